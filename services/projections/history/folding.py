"""Folds events that are read back into the states they made, as the engine did when they came."""

from typing import Any, Literal, NamedTuple

from services.projections.history.reading import JournalledEvent
from services.projections.read_models.declaration import (
    Entries,
    Key,
    Ledger,
    Mergeable,
    Needs,
    ReadModel,
    Row,
)
from shared.envelope import RecordedEvent

MOST_ROWS = 20_000

Outcome = Literal["ignored", "applied", "parked", "discarded", "failed", "erased"]
"""What became of an event in a view: not of a class that it consumes; folded; left out as it waits to be redriven, or
for good; the fold raised on it, or on an earlier one of its stream key; or its party was erased after it."""


class HistoryTooLargeError(Exception):
    """More rows than are held in memory for one answer."""


class Failed(NamedTuple):
    """An event that the fold could not take, and what it raised. Later events of its stream key were left out too."""

    event: RecordedEvent[Any]
    error: Exception


class Taken(NamedTuple):
    """What one event came to: `entries` are the rows that are only ever added."""

    outcome: Outcome
    entries: tuple[Row, ...] = ()


class HistoryFold:
    """The states of one read model, folded event by event in the order of the log.

    An event that the view leaves out, parked or discarded, is left out. One that the fold raises on, and those after
    it that have its stream key, change nothing, as the engine would park them. `failed` has the first of each key.
    """

    def __init__(
        self, read_model: ReadModel, most_rows: int = MOST_ROWS, *, remember_ended: bool = True
    ) -> None:
        """Holds at most so many rows; those that events ended are among them if they are to be remembered."""
        self._read_model = read_model
        self._most_rows = most_rows
        self._remember_ended = remember_ended
        self._stopped: set[str] = set()
        self.rows: dict[Key, Row | None] = {}
        """The row of each key that events touched, None for a remembered one that they ended. Entries have none."""
        self.failed: list[Failed] = []

    def take(self, journalled: JournalledEvent) -> Taken:
        """Folds one. Raises `HistoryTooLargeError`, and nothing that the read model raises."""
        event = journalled.event
        if type(event.data) not in self._read_model.consumes:
            return Taken("ignored")
        left_out = journalled.left_out.get(self._read_model.name)
        if left_out is not None:
            return Taken(left_out)
        if event.stream_key in self._stopped:
            return Taken("failed")
        try:
            entries = self._fold(event)
        except Exception as error:  # noqa: BLE001 - whatever a fold raises stops that stream key, as in the engine
            self._stopped.add(event.stream_key)
            self.failed.append(Failed(event, error))
            return Taken("failed")
        if len(self.rows) > self._most_rows:
            raise HistoryTooLargeError(
                f"these events make more than {self._most_rows:,} rows of {self._read_model.name}"
            )
        return Taken("applied", entries)

    def _fold(self, event: RecordedEvent[Any]) -> tuple[Row, ...]:
        kind = self._read_model.kind
        if isinstance(kind, Entries):
            row = kind.row(event)
            return () if row is None else (row,)
        if isinstance(kind, Ledger):
            return self._fold_ledger(kind, event)
        if isinstance(kind, Mergeable):
            self._merge(kind, event)
        elif (key := kind.key(event)) is not None:
            self._put(key, kind.evolve(self.rows.get(key), event))
        return ()

    def _merge(self, kind: Mergeable, event: RecordedEvent[Any]) -> None:
        merged = {}
        for key, row in kind.lift(event).items():
            before = self.rows.get(key)
            merged[key] = row if before is None else kind.combine(before, row)
        self.rows.update(merged)

    def _put(self, key: Key, row: Row | None) -> None:
        if row is None and not self._remember_ended:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row

    def _fold_ledger(self, kind: Ledger, event: RecordedEvent[Any]) -> tuple[Row, ...]:
        known: dict[Key, Row | None] = {key: self.rows.get(key) for key in kind.keys(event)}
        if not known:
            return ()
        while isinstance(evolved := kind.evolve(known, event), Needs):
            lacking = [key for key in evolved.keys if key not in known]
            if not lacking:
                raise LookupError(f"asks for rows it was given: {sorted(evolved.keys)}")
            known.update((key, self.rows.get(key)) for key in lacking)
        for key, row in evolved.rows.items():
            self._put(key, row)
        return tuple(evolved.entries)
