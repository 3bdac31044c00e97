"""Reads the events of some stream keys from the journal, in the order of the log, as of a time."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import asyncpg
from msgspec import json

from services.projections.journal_records import RECORD_COLUMNS, journalled_record
from shared.envelope import RecordedEvent
from shared.log.port import StoredRecord
from shared.position import Position

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Decode = Callable[[StoredRecord], RecordedEvent[Any]]
"""Upcasts to the newest version, and leaves sealed what is. Raises `UndecodableRecordError`."""

LeftOut = Literal["parked", "discarded"]
"""A view could not take the event: it waits to be redriven, or was discarded for good."""

_CHUNK_EVENTS = 500
_NOWHERE: Mapping[str, LeftOut] = {}


class Horizon(NamedTuple):
    """Which events count, both bounds inclusive, None for every one that was applied.

    `as_of` bounds the time an event happened: what was true in the world then, as far as is known now; what was
    recorded late or corrected since is in it. `known_at` bounds the time it was recorded: what the service knew then.
    Together they tell what was known at one time of another.
    """

    as_of: datetime | None = None
    known_at: datetime | None = None


EVERYTHING = Horizon()


class JournalledEvent(NamedTuple):
    """An event of the journal, and which of the views that were asked about leave it out, and why."""

    event: RecordedEvent[Any]
    left_out: Mapping[str, LeftOut]


async def journalled_events(
    connection: Connection,
    stream_keys: Collection[str],
    horizon: Horizon,
    decode: Decode,
    views: Sequence[str] = (),
) -> AsyncIterator[list[JournalledEvent]]:
    """The events of these stream keys within the horizon, in the order of (partition, offset), some hundred at a time.

    To be called in a transaction, and iterated to its end or to the transaction's: PostgreSQL keeps the answer, this
    process a chunk of it. All of it is one snapshot. Cost grows with the events of the keys, not with the journal.
    Raises `UndecodableRecordError` for an event that is not of this program's catalogue, and asyncpg's errors.
    """
    keys = sorted(set(stream_keys))
    cursor = await connection.cursor(_EVENTS, keys, horizon.as_of, horizon.known_at, list(views))
    while rows := await cursor.fetch(_CHUNK_EVENTS):
        yield [
            JournalledEvent(
                decode(journalled_record(row["partition"], row[2:])),
                json.decode(row["left_out"], type=dict[str, LeftOut]) if row["left_out"] else _NOWHERE,
            )
            for row in rows
        ]


async def any_journalled(connection: Connection, stream_keys: Collection[str]) -> bool:
    """Whether the journal has an event of any of these keys, at whatever time. Raises asyncpg's errors."""
    return bool(await connection.fetchval(_ANY, list(stream_keys)))


async def applied_position(connection: Connection) -> Position:
    """Up to where the journal holds the log's events, in the snapshot of the caller's transaction."""
    rows = await connection.fetch("select partition, position from control.positions where position > 0")
    return Position({row["partition"]: row["position"] for row in rows})


_EVENTS = f"""
select journalled.partition,
    (
        select json_object_agg(parked.view, case when parked.discarded_at is null then 'parked' else 'discarded' end)
        from control.parked_events parked
        where parked.view = any($4::text[])
            and parked.partition = journalled.partition and parked.log_offset = journalled.log_offset
    ) as left_out,
    {", ".join(f"journalled.{name}" for name in RECORD_COLUMNS)}
from unnest($1::text[]) as wanted (stream_key)
cross join lateral (
    select * from control.journal own
    where own.stream_key = wanted.stream_key
        and ($2::timestamptz is null or own.time <= $2) and ($3::timestamptz is null or own.recorded_time <= $3)
    offset 0
) journalled
order by journalled.partition, journalled.log_offset
"""  # noqa: S608 - names of columns
"""`offset 0` keeps the planner at one look into the index a key, however many keys it guesses there to be."""

_ANY = """
select exists (
    select from unnest($1::text[]) as wanted (stream_key)
    cross join lateral (select from control.journal own where own.stream_key = wanted.stream_key limit 1) found
)
"""
