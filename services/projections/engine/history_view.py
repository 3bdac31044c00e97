"""One view's part of a history: its states folded anew from some stream keys, and whether readers see the same."""

import heapq
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import asyncpg
from sqlalchemy import Table

from services.projections.engine.comparison import MOST_KEYS, Difference
from services.projections.engine.row_shape import shape_of
from services.projections.engine.writing import load_rows
from services.projections.history.folding import (
    Failed,
    HistoryFold,
    HistoryTooLargeError,
    Outcome,
)
from services.projections.history.reading import JournalledEvent
from services.projections.read_models.declaration import Key, Ledger, Mergeable, ReadModel, Row
from services.projections.sight.generations import Generation

Treatment = Outcome | Literal["waiting", "unknown"]
"""`waiting`: the view stands before the event. `unknown`: not folded, because there were too many rows."""


class Agreement(NamedTuple):
    """Folded rows beside the ones that readers see: how many were compared, how many differ, the first 20 of those.

    `shared` rows were not compared: other stream keys feed them too.
    """

    compared: int
    differing: int
    keys: list[Difference]
    shared: int


class ViewHistory(NamedTuple):
    """What the events come to in one view.

    `rows` are the folded ones, by key, at most as many as were asked for; `row_count` is how many there are. Of the
    `entry_count` rows that are only ever added, `entries` are the last ones of a ledger; a view that is made of nothing
    else has one for each event and shows none. `agreement` is None where nothing was compared, and `note` then says
    why. `failed` has the first event of each stream key that the fold could not take.
    """

    view: str
    version: int
    generation: int | None
    state: str
    rows: list[tuple[dict[str, Any], Row]]
    row_count: int
    entries: list[Row]
    entry_count: int
    agreement: Agreement | None
    note: str | None
    failed: list[Failed]


class Tables(NamedTuple):
    """A generation's tables: of the rows that are folded, and of those that are only added."""

    rows: Table
    entries: Table


class ViewFold:
    """Folds one view's history, chunk by chunk, and compares entries as they come, so that it need not hold them."""

    def __init__(
        self,
        read_model: ReadModel,
        shown: Generation | None,
        positions: Mapping[int, int] | None,
        tables: Tables | None,
        most: int,
        *,
        erased_before: Mapping[str, int],
    ) -> None:
        """With `positions`, only events before them count; with `tables`, rows are compared with those in them.

        What the events of a stream key before the offset in `erased_before` made was taken out.
        At most `most` rows, and as many entries, are answered.
        """
        self._most = most
        self._erased_before = erased_before
        self._read_model = read_model
        self._shown = shown
        self._positions = positions
        self._tables = tables
        self._fold = HistoryFold(read_model)
        self._entry_count = 0
        self._last_entries: deque[Row] = deque(maxlen=most if isinstance(read_model.kind, Ledger) else 0)
        self._found = _Found()
        self._too_large: HistoryTooLargeError | None = None

    async def take(
        self, connection: asyncpg.Connection, events: Sequence[JournalledEvent]
    ) -> list[Treatment]:
        """Folds some, in the order of the log, and says of each what became of it. Raises asyncpg's errors."""
        treatments: list[Treatment] = []
        entries: list[Row] = []
        for journalled in events:
            treatment, added = self._taken(journalled)
            treatments.append(treatment)
            entries += added
        self._entry_count += len(entries)
        self._last_entries.extend(entries)
        if self._tables is not None and entries:
            shape = shape_of(self._tables.entries)
            made: dict[Key, Row | None] = dict(shape.read(shape.entry_values(row)) for row in entries)
            self._found.add(await _differences(connection, self._tables.entries, made), len(made))
        return treatments

    def _taken(self, journalled: JournalledEvent) -> tuple[Treatment, tuple[Row, ...]]:
        event = journalled.event
        if type(event.data) not in self._read_model.consumes:
            return "ignored", ()
        if self._positions is not None and event.offset >= self._positions.get(event.partition, 0):
            return "waiting", ()
        if event.offset < self._erased_before.get(event.stream_key, 0):
            return "erased", ()
        if self._too_large is not None:
            return "unknown", ()
        try:
            return self._fold.take(journalled)
        except HistoryTooLargeError as error:
            self._too_large = error
            return "unknown", ()

    async def result(
        self, connection: asyncpg.Connection, stream_keys: Collection[str], note: str | None
    ) -> ViewHistory:
        """What it came to. `note` says why nothing is compared, where that is so."""
        if self._too_large is not None:
            rows, note, agreement = {}, f"{self._too_large}; `rapport verify` compares them all", None
        else:
            rows = self._fold.rows
            agreement = await self._agreement(connection, stream_keys)
        kept = {key: row for key, row in rows.items() if row is not None}
        names = shape_of(self._read_model.table).key_columns
        return ViewHistory(
            view=self._read_model.name,
            version=self._read_model.version,
            generation=self._shown.generation if self._shown else None,
            state=self._shown.state if self._shown else "not built",
            rows=[
                (dict(zip(names, key, strict=True)), _as_stored(self._read_model.table, key, kept[key]))
                for key in heapq.nsmallest(self._most, kept)
            ],
            row_count=len(kept),
            entries=list(self._last_entries),
            entry_count=self._entry_count,
            agreement=agreement,
            note=note,
            failed=self._fold.failed,
        )

    async def _agreement(
        self, connection: asyncpg.Connection, stream_keys: Collection[str]
    ) -> Agreement | None:
        if self._tables is None:
            return None
        rows, own = self._fold.rows, self._fold.rows
        kind = self._read_model.kind
        if isinstance(kind, Mergeable):
            # Which keys feed a row of this kind is not declared: one that names none of ours is taken for everybody's.
            of_ours = set() if kind.fed_by_others else set(stream_keys)
            own = {key: row for key, row in rows.items() if not of_ours.isdisjoint(key)}
        table = self._tables.rows
        if own:
            made = {key: None if row is None else _as_stored(table, key, row) for key, row in own.items()}
            self._found.add(await _differences(connection, table, made), len(made))
        found = self._found
        return Agreement(found.compared, found.differing, found.keys, len(rows) - len(own))


class _Found:
    def __init__(self) -> None:
        self.compared = 0
        self.differing = 0
        self.keys: list[Difference] = []

    def add(self, differences: Sequence[Difference], compared: int) -> None:
        self.compared += compared
        self.differing += len(differences)
        self.keys += differences[: MOST_KEYS - len(self.keys)]


async def _differences(
    connection: asyncpg.Connection, table: Table, made: Mapping[Key, Row | None]
) -> list[Difference]:
    stored = await load_rows(connection, table, made.keys())
    names = shape_of(table).key_columns
    return [
        Difference(table.name, dict(zip(names, key, strict=True)), how)
        for key in sorted(made)
        if (how := _difference(made[key], stored.get(key))) is not None
    ]


def _difference(made: Row | None, stored: Row | None) -> str | None:
    if made == stored:
        return None
    if stored is None:
        return "missing"
    return "extra" if made is None else "changed"


def _as_stored(table: Table, key: Key, row: Row) -> Row:
    """The row as it comes back from PostgreSQL, JSON without the difference between lists and tuples."""
    shape = shape_of(table)
    return shape.read(shape.keyed_values(key, row))[1]
