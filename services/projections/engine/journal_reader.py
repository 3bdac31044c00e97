"""The journal as a source of events: each applied event once, as the record that the log held."""

import asyncpg

from services.projections.journal_records import RECORD_COLUMNS, journalled_record
from shared.log.port import StoredRecord


async def journalled_records(
    connection: asyncpg.Connection, partition: int, position: int, end: int, limit: int
) -> list[StoredRecord]:
    """At most `limit` events of a partition with offsets from `position` to before `end`, in order.

    Fewer than `limit` means there are no more; offsets in between belong to repeats and to records that could not be
    decoded. Cost grows with the answer, not with the journal.
    """
    rows = await connection.fetch(_NEXT, partition, position, end, limit)
    return [journalled_record(partition, row) for row in rows]


_NEXT = f"""
select {", ".join(RECORD_COLUMNS)}
from control.journal where partition = $1 and log_offset >= $2 and log_offset < $3
order by log_offset limit $4
"""  # noqa: S608 - names of columns
