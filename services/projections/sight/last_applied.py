"""The event that each view took last, of all partitions the one recorded last."""

from datetime import datetime
from typing import NamedTuple

import asyncpg


class LastApplied(NamedTuple):
    """An event of the journal that a view stands behind."""

    partition: int
    offset: int
    type: str
    recorded_time: datetime


async def last_applied(connection: asyncpg.Connection) -> dict[str, LastApplied]:
    """By view that readers see; one without an event is left out. One look in an index a view and partition.

    Raises asyncpg's errors.
    """
    rows = await connection.fetch(_LAST)
    return {
        row["view"]: LastApplied(row["partition"], row["log_offset"], row["type"], row["recorded_time"])
        for row in rows
    }


_LAST = """
select distinct on (shown.view) shown.view, applied.partition, applied.log_offset, applied.type, applied.recorded_time
from control.view_positions shown
cross join lateral (
    select partition, log_offset, type, recorded_time from control.journal
    where partition = shown.partition and log_offset < shown.position
    order by log_offset desc limit 1
) applied
order by shown.view, applied.recorded_time desc, applied.partition
"""
