"""Discarding parked events: they stay on record with who, when and why, block nothing, and no rebuild applies them."""

from datetime import datetime
from functools import partial
from typing import NamedTuple

import asyncpg

from services.projections.engine.operating import held_views
from services.projections.engine.parked_partition import despite_conflicts, held_partition

_EVENTS = 1000
_MOST_KEYS = 20


class Chosen(NamedTuple):
    """Which waiting events of a view: the one at a place, those of a stream key, those with an error; None is any."""

    view: str
    partition: int | None = None
    offset: int | None = None
    key: str | None = None
    error: str | None = None


class Reason(NamedTuple):
    """Who discards, at which moment, and why."""

    by: str
    at: datetime
    why: str


class Discarded(NamedTuple):
    """How many events were discarded, and of how many of the same keys' events still wait, with 20 of those keys."""

    events: int
    keys: list[str]
    waiting: int


async def count_chosen(connection: asyncpg.Connection, chosen: Chosen) -> int:
    """How many events `discard_parked` would discard now. Raises asyncpg's errors."""
    count: int = await connection.fetchval(_COUNT, *chosen)
    return count


async def discard_parked(connection: asyncpg.Connection, chosen: Chosen, reason: Reason) -> Discarded:
    """Discards them for good, a bounded number in each transaction; killed, it has discarded some of them.

    Changes no view: the next events of the same keys wait on, for `redrive`, unless they were discarded too; a key of
    which nothing waits flows live again. Raises `ViewBusyError` and
    asyncpg's errors.
    """
    async with held_views(connection, [chosen.view]):
        events = 0
        for row in await connection.fetch(_PARTITIONS, *chosen):
            discard_some = partial(_discard_some, connection, row["partition"], chosen, reason)
            while found := await despite_conflicts(discard_some):
                events += found
        [behind] = await connection.fetch(_WAITING, chosen.view, reason.at, _MOST_KEYS)
    return Discarded(events, behind["keys"], behind["waiting"])


async def _discard_some(
    connection: asyncpg.Connection, partition: int, chosen: Chosen, reason: Reason
) -> int:
    async with held_partition(connection, partition):
        found: int = await connection.fetchval(
            _DISCARD, *chosen._replace(partition=partition), *reason, _EVENTS
        )
    return found


_CHOSEN = """
view = $1 and discarded_at is null and ($2::integer is null or partition = $2)
    and ($3::bigint is null or log_offset = $3) and ($4::text is null or stream_key = $4)
    and ($5::text is null or error = $5)
"""

_COUNT = f"select count(*) from control.parked_events where {_CHOSEN}"  # noqa: S608 - a constant

_PARTITIONS = f"""
select distinct partition from control.parked_events where {_CHOSEN} order by partition
"""  # noqa: S608

_DISCARD = f"""
with discarded as (
    update control.parked_events set discarded_by = $6, discarded_at = $7, reason = $8
    where view = $1 and partition = $2 and log_offset in (
        select log_offset from control.parked_events where {_CHOSEN} order by log_offset limit $9
    )
    returning log_offset
)
select count(*) from discarded
"""  # noqa: S608

_WAITING = """
with waiting as (
    select stream_key, count(*) as events from control.parked_events
    where view = $1 and discarded_at is null and stream_key in (
        select stream_key from control.parked_events where view = $1 and discarded_at = $2
    )
    group by stream_key
)
select coalesce(sum(events), 0)::bigint as waiting,
    array(select stream_key from waiting order by stream_key limit $3) as keys
from waiting
"""
