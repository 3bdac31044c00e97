"""The rows of one stream key of an ordered view, folded anew from the journal."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import asyncpg

from services.projections.engine.batch import Decode, Entry, contributions_to, entry_of
from services.projections.engine.folding import Failure, fold
from services.projections.engine.parked_generations import PassedGeneration
from services.projections.engine.shadow import EventRefusedByViewError
from services.projections.engine.writing import add_keyed_rows, remove_rows
from services.projections.journal_records import RECORD_COLUMNS, journalled_record
from services.projections.read_models.declaration import Key, Row
from shared.codec import UndecodableRecordError
from shared.log.port import StoredRecord

_CHUNK_EVENTS = 1000


class FailedAnew(NamedTuple):
    """An event that the fold took when the earlier ones were others, and takes no more."""

    stored: StoredRecord
    failure: Failure


async def refold(
    connection: asyncpg.Connection, passed: PassedGeneration, decode: Decode, partition: int, stream_key: str
) -> list[FailedAnew]:
    """Replaces the rows that a stream key's events make, and answers the events that are to be parked now.

    Takes every event of the key that the generation has passed, without those parked or discarded for its view. To be
    called with the partition held. Time grows with the partition's journal, memory with the rows of the key.
    """
    rows: dict[Key, Row | None] = {}
    failed: list[FailedAnew] = []
    stopped: set[str] = set()
    after = -1
    while found := await connection.fetch(
        _OF_KEY, partition, stream_key, passed.position, passed.name, after, _CHUNK_EVENTS
    ):
        records = {row["log_offset"]: journalled_record(partition, row) for row in found}
        entries = [entry_of(record, decode, [passed.view]) for record in records.values()]
        _refuse_undecodable(passed.name, entries)
        contributions = contributions_to(0, entries)
        rows |= {each.key: rows.get(each.key) for each in contributions if each.error is None}
        folded = fold(passed.view, contributions, _there(rows), stopped)
        rows |= folded.rows
        for failure in folded.failures:
            stopped.add(stream_key)
            failed.append(FailedAnew(records[failure.contribution.event.offset], failure))
        after = found[-1]["log_offset"]
    await remove_rows(connection, passed.view.table, list(rows))
    await add_keyed_rows(connection, passed.view.table, _there(rows))
    return failed


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
where partition = $1 and stream_key = $2 and log_offset < $3 and log_offset > $5
    and not exists (
        select from control.parked_events parked
        where parked.view = $4 and parked.partition = applied.partition and parked.log_offset = applied.log_offset
    )
order by log_offset limit $6
"""  # noqa: S608 - names of columns
