"""Attempts at parked events, stored before the events are handled: what ends the process is found by them.

What a fold raises is answered by that error. What ends the process is answered by nothing: its events stay counted as
unanswered, so that the next redrive takes each of them alone, and one that went unanswered twice is left out.
"""

from collections.abc import Sequence

import asyncpg


async def begin_attempts(
    connection: asyncpg.Connection, view: str, partition: int, offsets: Sequence[int]
) -> None:
    """Counts an attempt at these events, committed on return. Raises asyncpg's errors."""
    await connection.execute(_BEGIN, view, partition, offsets)


async def take_back_attempts(
    connection: asyncpg.Connection, view: str, partition: int, offsets: Sequence[int]
) -> None:
    """Uncounts those at events that were not handled after all. Raises asyncpg's errors."""
    await connection.execute(_TAKE_BACK, view, partition, offsets)


_BEGIN = """
update control.parked_events set attempts = attempts + 1, unanswered = unanswered + 1
where view = $1 and partition = $2 and log_offset = any($3::bigint[])
"""

_TAKE_BACK = """
update control.parked_events
set attempts = greatest(attempts - 1, 0), unanswered = greatest(unanswered - 1, 0)
where view = $1 and partition = $2 and log_offset = any($3::bigint[])
"""
