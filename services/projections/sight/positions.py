"""Where the live set stands, and where generations outside it do."""

from datetime import datetime
from typing import NamedTuple

import asyncpg

Positions = dict[int, int]
"""For each partition the offset of the next event to apply."""


class PartitionProgress(NamedTuple):
    """How far a generation is in one partition; `done` of `total` are events, `rate` is events a second."""

    partition: int
    position: int
    first: int
    target: int
    resumed_position: int
    resumed_at: datetime
    updated_at: datetime

    @property
    def done(self) -> int:
        """Events taken up since the beginning, repeats included."""
        return self.position - self.first

    @property
    def total(self) -> int:
        """Events to take up, as far as was known when it was last asked."""
        return self.target - self.first


async def live_positions(connection: asyncpg.Connection) -> Positions:
    """Where the live set stands now."""
    rows = await connection.fetch("select partition, position from control.positions order by partition")
    return {row["partition"]: row["position"] for row in rows}


async def progress(connection: asyncpg.Connection, view: str, generation: int) -> list[PartitionProgress]:
    """Each partition's progress, in order; empty where the generation keeps no positions of its own."""
    rows = await connection.fetch(_PROGRESS, view, generation)
    return [PartitionProgress(*row) for row in rows]


_PROGRESS = """
select partition, position, first, target, resumed_position, resumed_at, updated_at
from control.generation_positions where view = $1 and generation = $2 order by partition
"""
