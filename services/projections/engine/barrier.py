"""The barrier: a moment in which the live set stands still, so that views can join and leave it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.projections.sight.positions import Positions

_LONGEST_WAIT_MILLISECONDS = 5000
_LONGEST_SILENCE_MILLISECONDS = 20_000
_LONGEST_MILLISECONDS = 60_000


@asynccontextmanager
async def barrier(connection: asyncpg.Connection) -> AsyncIterator[Positions]:
    """A transaction in which no worker applies a batch, and the positions at which the live set stands.

    Rows are locked in the order of partitions, as batches do, so neither can deadlock with the other. Waits for the
    batches at work; raises `asyncpg.LockNotAvailableError` where one takes over 5 s: begin again. PostgreSQL ends the
    session of a program that is frozen behind the barrier, for nothing advances meanwhile: after 20 s of silence, and
    from PostgreSQL 17 on after a minute in any case.
    """
    async with connection.transaction():
        await connection.execute(
            f"set local lock_timeout = {_LONGEST_WAIT_MILLISECONDS}; "
            f"set local idle_in_transaction_session_timeout = {_LONGEST_SILENCE_MILLISECONDS}"
        )
        rows = await connection.fetch(
            "select partition, position from control.positions order by partition for update"
        )
        await connection.execute(_BOUND, str(_LONGEST_MILLISECONDS))
        yield {row["partition"]: row["position"] for row in rows}


async def raise_revision(connection: asyncpg.Connection) -> None:
    """Tells every worker, behind a barrier, that it must load the live set again before it writes."""
    await connection.execute("update control.live_set set revision = revision + 1")


_BOUND = """
select set_config('transaction_timeout', $1, true) where current_setting('transaction_timeout', true) is not null
"""
"""A program frozen between two messages of one statement is not idle to PostgreSQL."""
