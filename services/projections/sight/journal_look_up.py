"""Single events of the journal: at a place or by id, their effects, and which views stand behind them."""

from datetime import datetime
from typing import NamedTuple

import asyncpg

from services.projections.journal_records import RECORD_COLUMNS, journalled_record
from shared.codec import event_hash
from shared.log.port import StoredRecord


class Place(NamedTuple):
    """Where an event stands in the log."""

    partition: int
    offset: int


class Entry(NamedTuple):
    """An event of the journal in one line."""

    partition: int
    offset: int
    event_id: str
    source: str
    type: str
    channel: str
    stream_key: str
    time: datetime
    recorded_time: datetime


class Standing(NamedTuple):
    """A view as it stands to one place: `parked_at` and `discarded_at` where it could not take the event there."""

    view: str
    generation: int
    state: str
    position: int
    error: str | None
    parked_at: datetime | None
    discarded_at: datetime | None


ENTRY_COLUMNS = "partition, log_offset, event_id, source, type, channel, stream_key, time, recorded_time"
"""What an `Entry` is made of, in its order."""


async def record_at(connection: asyncpg.Connection, place: Place) -> StoredRecord | None:
    """The record of a place: the journal's, else one that is parked; None where neither has it.

    Raises asyncpg's errors.
    """
    row = await connection.fetchrow(_JOURNALLED, *place)
    if row is not None:
        return journalled_record(place.partition, row)
    parked = await connection.fetchrow(_PARKED, *place)
    return None if parked is None else StoredRecord(*place, parked["record_key"], parked["record_value"])


async def place_of(connection: asyncpg.Connection, source: str, event_id: str) -> Place | None:
    """Where the event stands that was applied, None for one that was not. One look in an index a partition.

    Raises asyncpg's errors.
    """
    row = await connection.fetchrow(_BY_HASH, event_hash(source, event_id))
    return None if row is None else Place(row["partition"], row["log_offset"])


async def position_at(connection: asyncpg.Connection, partition: int) -> int | None:
    """The next offset of a partition that the live views apply; None where there is no such partition."""
    position: int | None = await connection.fetchval(_POSITION, partition)
    return position


async def effects_of(
    connection: asyncpg.Connection, event_id: str, after: Place | None, limit: int
) -> list[Entry]:
    """At most `limit` events that name this one as their cause, by their places. Raises asyncpg's errors."""
    rows = await connection.fetch(_EFFECTS, event_id, *(after or Place(-1, -1)), limit)
    return [Entry(*row) for row in rows]


async def standings(connection: asyncpg.Connection, place: Place) -> list[Standing]:
    """Every view that readers see. Raises asyncpg's errors."""
    rows = await connection.fetch(_STANDINGS, *place)
    return [Standing(*row) for row in rows]


_JOURNALLED = f"""
select {", ".join(RECORD_COLUMNS)} from control.journal where partition = $1 and log_offset = $2
"""  # noqa: S608 - names of columns

_PARKED = """
select record_key, record_value from control.parked_events where partition = $1 and log_offset = $2 limit 1
"""

_BY_HASH = """
select journal.partition, journal.log_offset
from control.positions join control.journal using (partition)
where journal.event_hash = $1 limit 1
"""

_POSITION = "select position from control.positions where partition = $1"

_EFFECTS = f"""
select {ENTRY_COLUMNS} from control.journal
where attributes ->> 'causeid' = $1 and (partition, log_offset) > ($2::integer, $3::bigint)
order by partition, log_offset limit $4
"""  # noqa: S608

_STANDINGS = """
select shown.view, generations.generation, generations.state, shown.position, parked.error, parked.parked_at,
    parked.discarded_at
from control.view_positions shown
join control.generations on generations.view = shown.view and generations.state in ('live', 'paused', 'outdated')
left join control.parked_events parked
    on parked.view in (shown.view, '*') and parked.partition = shown.partition and parked.log_offset = $2
where shown.partition = $1
order by shown.view
"""
