"""An event that comes late to rows that depend on order: what its stream key made gives way to what the log makes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import asyncpg

from services.projections.engine.batch import Decode, Entry, contributions_to, entry_of
from services.projections.engine.folding import Contribution, Failure, fold
from services.projections.engine.ledger_rows import LedgerRows, fold_ledger
from services.projections.engine.parked_generations import PassedGeneration
from services.projections.engine.row_shape import RowValues, shape_of
from services.projections.engine.shadow import EventRefusedByViewError
from services.projections.engine.writing import add_keyed_rows, add_rows, remove_rows
from services.projections.journal_records import RECORD_COLUMNS, journalled_record
from services.projections.read_models.declaration import Key, Ledger, Row
from shared.codec import UndecodableRecordError
from shared.log.port import StoredRecord

_CHUNK_EVENTS = 1000


class StreamPlace(NamedTuple):
    """A stream key in its partition, and the offset of the event that comes late."""

    partition: int
    stream_key: str
    offset: int


class FailedAnew(NamedTuple):
    """An event that the fold took when those before it were others, and takes no more."""

    stored: StoredRecord
    failure: Failure


class _Replay:
    """A stream key's events folded from nothing, in memory."""

    def __init__(self, passed: PassedGeneration) -> None:
        kind = passed.view.read_model.kind
        self.failed: list[FailedAnew] = []
        self._view = passed.view
        self._ledger = LedgerRows(passed.view, kind) if isinstance(kind, Ledger) else None
        self._rows: dict[Key, Row | None] = {}
        self._stopped: set[str] = set()

    @property
    def rows(self) -> Mapping[Key, Row | None]:
        """Every row that was made, None for one that went again."""
        return self._rows if self._ledger is None else self._ledger.changed

    @property
    def entries(self) -> Sequence[RowValues]:
        """A ledger's entries."""
        return () if self._ledger is None else self._ledger.entries

    def take(self, entries: Sequence[Entry]) -> None:
        """Folds events, in the order of the log."""
        failures: list[Failure] = []
        contributions = contributions_to(0, entries)
        if self._ledger is None:
            failures = self._fold(contributions)
        else:
            lacking = self._ledger.lacking(
                key for each in contributions if each.error is None for key in each.keys
            )
            while contributions:
                self._ledger.take(lacking, {})
                contributions, lacking = fold_ledger(self._ledger, contributions, self._stopped, failures)
        stored = {entry.stored.offset: entry.stored for entry in entries}
        self.failed += [FailedAnew(stored[each.contribution.event.offset], each) for each in failures]

    def _fold(self, contributions: Sequence[Contribution]) -> list[Failure]:
        keys = [key for each in contributions if each.error is None for key in each.keys]
        self._rows |= {key: self._rows.get(key) for key in keys}
        folded = fold(self._view, contributions, _there(self._rows), self._stopped)
        self._rows |= folded.rows
        self._stopped |= {each.contribution.event.stream_key for each in folded.failures}
        return folded.failures


async def refold(
    connection: asyncpg.Connection, passed: PassedGeneration, decode: Decode, late: StreamPlace
) -> list[FailedAnew]:
    """Replaces the rows and entries that a stream key's events made, and answers the events that are to be parked now.

    The key's events are folded from the journal twice, without the late one to know what stands, and with it. Both
    without what is parked or discarded for the view. To be called with the partition held. Time grows with the events
    of the key, memory with its rows and entries. Raises `EventRefusedByViewError` where the read model fails on events
    that it has taken, `RowsRefusedError` and asyncpg's errors.
    """
    before = await _replayed(connection, passed, decode, late, without=late.offset)
    if before.failed:
        stored, failure = before.failed[0]
        where = (
            f"event {failure.contribution.event.id} at partition {stored.partition}, offset {stored.offset}"
        )
        raise EventRefusedByViewError(passed.name, where, failure.error)
    after = await _replayed(connection, passed, decode, late, without=None)
    await remove_rows(connection, passed.view.table, list(before.rows))
    await add_keyed_rows(connection, passed.view.table, _there(after.rows))
    if isinstance(passed.view.read_model.kind, Ledger):
        table = passed.view.tables[1]
        shape = shape_of(table)
        keys = len(shape.key_columns)
        await remove_rows(connection, table, [values[:keys] for values in before.entries])
        await add_rows(connection, table, shape.columns, after.entries)
    return after.failed


async def _replayed(
    connection: asyncpg.Connection,
    passed: PassedGeneration,
    decode: Decode,
    late: StreamPlace,
    *,
    without: int | None,
) -> _Replay:
    replay = _Replay(passed)
    after = -1
    while found := await connection.fetch(
        _OF_KEY, late.partition, late.stream_key, passed.position, passed.name, without, after, _CHUNK_EVENTS
    ):
        entries = [entry_of(journalled_record(late.partition, row), decode, [passed.view]) for row in found]
        _refuse_undecodable(passed.name, entries)
        replay.take(entries)
        after = found[-1]["log_offset"]
    return replay


def _refuse_undecodable(view: str, entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.event is None:
            where = (
                f"the journalled event at partition {entry.stored.partition}, offset {entry.stored.offset}"
            )
            raise EventRefusedByViewError(view, where, UndecodableRecordError(entry.parked[0].detail))


def _there(rows: Mapping[Key, Row | None]) -> dict[Key, Row]:
    return {key: row for key, row in rows.items() if row is not None}


_OF_KEY = f"""
select {", ".join(RECORD_COLUMNS)}
from control.journal applied
where partition = $1 and stream_key = $2 and log_offset < $3 and log_offset > $6
    and log_offset is distinct from $5::bigint
    and not exists (
        select from control.parked_events parked
        where parked.view = $4 and parked.partition = applied.partition and parked.log_offset = applied.log_offset
    )
order by log_offset limit $7
"""  # noqa: S608 - names of columns
