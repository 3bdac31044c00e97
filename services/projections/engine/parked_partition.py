"""Parked events are settled with their partition held: no worker applies or parks any of it meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg

_LONGEST_WAIT_MILLISECONDS = 5000
_MOST_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.05
_PASSING_CONFLICTS = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)
Answer = TypeVar("Answer")


@asynccontextmanager
async def held_partition(connection: asyncpg.Connection, partition: int) -> AsyncIterator[None]:
    """A transaction in which the live set stands still in one partition.

    Waits for the batch at work; raises `asyncpg.LockNotAvailableError` where that takes over 5 s.
    """
    async with connection.transaction():
        await connection.execute(f"set local lock_timeout = {_LONGEST_WAIT_MILLISECONDS}")
        await connection.execute("select from control.positions where partition = $1 for update", partition)
        yield


async def despite_conflicts(work: Callable[[], Awaitable[Answer]]) -> Answer:
    """Does a transaction again where it met with others' locks, at most five times. Raises what the last one raises."""
    for attempt in range(_MOST_ATTEMPTS):
        try:
            return await work()
        except _PASSING_CONFLICTS:
            if attempt == _MOST_ATTEMPTS - 1:
                raise
            await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")
