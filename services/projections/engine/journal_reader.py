"""The journal as a source of events: each applied event once, as the record that the log held."""

from datetime import UTC, datetime

import asyncpg
from msgspec import json

from shared.log.port import StoredRecord

_text = json.Encoder().encode


async def journalled_records(
    connection: asyncpg.Connection, partition: int, position: int, end: int, limit: int
) -> list[StoredRecord]:
    """At most `limit` events of a partition with offsets from `position` to before `end`, in order.

    Fewer than `limit` means there are no more; offsets in between belong to repeats and to records that could not be
    decoded. Cost grows with the answer, not with the journal.
    """
    rows = await connection.fetch(_NEXT, partition, position, end, limit)
    return [journalled_record(partition, row) for row in rows]


def journalled_record(partition: int, row: asyncpg.Record) -> StoredRecord:
    """The log's record of a journal row: the same event, written with its times in UTC."""
    offset, key, event_id, source, type_, time, recorded_time, channel, attributes, data = row
    head = _text(
        {
            "id": event_id,
            "source": source,
            "type": type_,
            "time": _utc(time),
            "channel": channel,
            "recordedtime": _utc(recorded_time),
        }
    )
    # `attributes` is an object that always has `dataschema`, so its inside can follow and be followed by a member.
    value = b'%b,%b,"data":%b}' % (head[:-1], attributes[1:-1].encode(), data.encode())
    return StoredRecord(partition, offset, key.encode(), value)


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


_NEXT = """
select log_offset, stream_key, event_id, source, type, time, recorded_time, channel, attributes, data
from control.journal where partition = $1 and log_offset >= $2 and log_offset < $3
order by log_offset limit $4
"""
