"""Forgets who read whose data once that is older than it is to be kept: the record is personal data of two people."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import structlog

from shared.clock import Clock

MOST_A_BATCH: Final = 5_000
_LOOK_SECONDS: Final = 3600.0
_PAUSE_SECONDS: Final = 0.1
_LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_FORGET: Final = """
with old as materialized (
    select number from control.access_records where recorded_at < $1
    order by recorded_at, number limit $2 for update skip locked
)
delete from control.access_records record using old where record.number = old.number
"""

_log = structlog.get_logger("rapport.api")


async def forget_records(connection: Any, before: datetime, most: int = MOST_A_BATCH) -> int:
    """Deletes up to `most` records of reads before a time, the oldest first, and answers how many.

    One short statement; several processes may do so at once, and take different ones. Raises asyncpg's errors.
    """
    status: str = await connection.execute(_FORGET, before, most)
    return int(status.rpartition(" ")[2])


class RecordRetention:
    """Deletes the records that are older than so many days, once an hour. `connect` opens a connection for each look.

    An outage of the database puts it off to the next look.
    """

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], days: int, clock: Clock) -> None:
        self._connect = connect
        self._kept = timedelta(days=days)
        self._clock = clock

    async def run(self) -> None:
        """Looks until cancelled, at once for the first time."""
        while True:
            try:
                await self.look(self._clock())
            except _LOST as error:
                _log.warning("access_records_not_forgotten", error=type(error).__name__)
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self, now: datetime, most_a_batch: int = MOST_A_BATCH) -> int:
        """Deletes what is too old at a time, batch by batch, and answers how many. Raises asyncpg's and socket errors.

        Cancelled or failing in between, it leaves the rest to the next look.
        """
        before = now - self._kept
        forgotten = 0
        connection = await self._connect()
        try:
            while count := await forget_records(connection, before, most_a_batch):
                forgotten += count
                await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            connection.terminate()
        if forgotten:
            _log.info("access_records_forgotten", records=forgotten, before=before.isoformat())
        return forgotten
