"""Keeps the positions of generations outside the live set."""

import asyncpg

from services.projections.sight.positions import Positions


async def keep_positions(
    connection: asyncpg.Connection, view: str, generation: int, positions: Positions
) -> None:
    """Takes note of where a generation stands that leaves the live set."""
    await connection.execute(_KEEP, view, generation, list(positions.keys()), list(positions.values()))


async def forget_positions(connection: asyncpg.Connection, view: str, generation: int) -> None:
    """For a generation that joins the live set, or is dropped."""
    await connection.execute(
        "delete from control.generation_positions where view = $1 and generation = $2", view, generation
    )


async def begin_positions(connection: asyncpg.Connection, view: str, generation: int) -> None:
    """Sets a new generation before the first event of every partition."""
    await connection.execute(_BEGIN, view, generation)


async def aim(connection: asyncpg.Connection, view: str, generation: int) -> None:
    """Sets the targets to where the live set stands now, and the start of the rate to where this generation does."""
    await connection.execute(_AIM, view, generation)


async def advance(
    connection: asyncpg.Connection, view: str, generation: int, expected: Positions, reached: Positions
) -> bool:
    """Moves partitions from where they are expected to where they are now; false where one is elsewhere.

    To be called in the transaction that writes the rows.
    """
    partitions = sorted(reached)
    moved = await connection.fetch(
        _ADVANCE,
        view,
        generation,
        partitions,
        [expected[partition] for partition in partitions],
        [reached[partition] for partition in partitions],
    )
    return len(moved) == len(partitions)


_KEEP = """
insert into control.generation_positions (view, generation, partition, position, first, target, resumed_position)
select $1, $2, at.partition, at.position, at.position, at.position, at.position
from unnest($3::integer[], $4::bigint[]) as at (partition, position)
on conflict (view, generation, partition) do update set
    position = excluded.position, target = excluded.target, resumed_position = excluded.position, updated_at = now()
"""

_BEGIN = """
insert into control.generation_positions (view, generation, partition, position, first, target, resumed_position)
select $1, $2, live.partition, begun.first, begun.first, live.position, begun.first
from control.positions live
cross join lateral (
    select coalesce(
        (select log_offset from control.journal where partition = live.partition order by log_offset limit 1),
        live.position
    ) as first
) begun
on conflict (view, generation, partition) do nothing
"""
"""What stands in the log before the journal's first event of a partition was never applied: repeats, and what is
parked."""

_AIM = """
update control.generation_positions own
set target = greatest(live.position, own.position), resumed_position = own.position, resumed_at = clock_timestamp(),
    updated_at = clock_timestamp()
from control.positions live
where own.view = $1 and own.generation = $2 and live.partition = own.partition
"""

_ADVANCE = """
update control.generation_positions own
set position = batch.reached, target = greatest(own.target, batch.reached), updated_at = clock_timestamp()
from unnest($3::integer[], $4::bigint[], $5::bigint[]) as batch (partition, expected, reached)
where own.view = $1 and own.generation = $2 and own.partition = batch.partition and own.position = batch.expected
returning own.partition
"""
