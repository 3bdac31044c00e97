"""What PostgreSQL tells about the whole system at one moment: views, positions, rebuilds, parked keys, leases."""

from typing import NamedTuple

import asyncpg

from services.projections.control import EVERY_VIEW
from services.projections.sight.generations import Generation, generations
from services.projections.sight.positions import PartitionProgress, Positions, progress
from shared.log.port import LogIdentity


class ParkedSight(NamedTuple):
    """Of one view: keys with events that wait, counted up to 10,000 events, events discarded and events redriven."""

    keys: int
    discarded: int
    redriven: int


class SystemSight(NamedTuple):
    """One snapshot. `positions` are those of the views that readers see; `log` is None before the first event came."""

    log: LogIdentity | None
    generations: list[Generation]
    positions: dict[str, Positions]
    building: list[tuple[Generation, list[PartitionProgress]]]
    parked: dict[str, ParkedSight]
    partitions_unheld: int


async def see_system(connection: asyncpg.Connection) -> SystemSight:
    """The snapshot; a handful of short reads. Raises asyncpg's errors."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        log = await connection.fetchrow("select log_id, partitions from control.log_identity")
        every = await generations(connection)
        positions: dict[str, Positions] = {}
        for row in await connection.fetch("select view, partition, position from control.view_positions"):
            positions.setdefault(row["view"], {})[row["partition"]] = row["position"]
        building = [
            (each, await progress(connection, each.view, each.generation))
            for each in every
            if each.state == "building"
        ]
        parked = await connection.fetch(_PARKED, EVERY_VIEW)
        unheld = await connection.fetchval(_PARTITIONS_UNHELD)
    return SystemSight(
        LogIdentity(log["log_id"], log["partitions"]) if log else None,
        every,
        positions,
        building,
        {row["view"]: ParkedSight(row["keys"], row["discarded"], row["redriven"]) for row in parked},
        unheld,
    )


_PARKED = """
select named.view,
    (
        select count(distinct coalesce(stream_key, partition || ':' || log_offset)) from (
            select stream_key, partition, log_offset from control.parked_events
            where view = named.view and discarded_at is null
            order by stream_key, partition, log_offset limit 10000
        ) waiting
    ) as keys,
    (
        select count(*) from control.parked_events where view = named.view and discarded_at is not null
    ) as discarded,
    coalesce((select events from control.redriven_events where view = named.view), 0) as redriven
from (select distinct view from control.generations union all select $1) named
"""

_PARTITIONS_UNHELD = """
select count(*) from control.positions
where not exists (
    select from control.leases join control.workers using (worker)
    where leases.partition = positions.partition and workers.expires_at > clock_timestamp()
)
"""
