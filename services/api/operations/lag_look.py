"""Looks at the log and at the positions of views, and tells how far each is behind."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog

from services.api.database import Database
from services.api.operations.sample import Sample, ViewLag
from services.projections.sight.lag import LagReader, total_events, total_seconds
from services.projections.sight.positions import Positions
from shared.clock import Clock
from shared.log.port import EventLog, LogReader, LogUnavailableError

_LOG_SECONDS: Final = 10.0
_POSITIONS: Final = "select view, partition, position from control.view_positions"


class LagLook:
    """Keeps a reader of the log open between looks. For one task at a time; `close` it in the end."""

    def __init__(self, database: Database, log: EventLog, clock: Clock) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._opened = AsyncExitStack()
        self._reader: LogReader | None = None
        self._lag_reader: LagReader | None = None

    async def take(self) -> Sample:
        """One look, of 12 s at most; where the log is away it knows how much was applied, and no more.

        Raises `DatabaseUnavailableError`, and what else the log's reader raises.
        """
        positions = await self._database.read(_positions)
        try:
            return await self._behind(positions)
        except (LogUnavailableError, TimeoutError) as error:
            await self.close()
            reason = str(error) or "the event log did not answer in time"
            unknown = {view: ViewLag(None, None, sum(own.values())) for view, own in positions.items()}
            return Sample(self._clock(), {}, reason, unknown)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Lets the reader go; another look opens another one."""
        self._reader = self._lag_reader = None
        try:
            await self._opened.aclose()
        except Exception as error:  # noqa: BLE001 - what it read from is away
            structlog.get_logger("rapport.api").debug("reader_not_closed", detail=str(error))

    async def _behind(self, positions: Mapping[str, Positions]) -> Sample:
        async with asyncio.timeout(_LOG_SECONDS):
            if self._reader is None or self._lag_reader is None:
                self._reader = await self._opened.enter_async_context(self._log.reader())
                self._lag_reader = LagReader(self._reader)
            partitions = sorted({partition for own in positions.values() for partition in own})
            bounds = await self._reader.bounds(partitions)
            lags = await self._lag_reader.lags(bounds, positions)
        now = self._clock()
        found = {
            view: ViewLag(
                total_events(own.values()), total_seconds(own.values(), now), sum(positions[view].values())
            )
            for view, own in lags.items()
        }
        return Sample(now, {partition: held.end for partition, held in bounds.items()}, None, found)


async def _positions(connection: Any) -> dict[str, Positions]:
    found: dict[str, Positions] = {}
    for row in await connection.fetch(_POSITIONS):
        found.setdefault(row["view"], {})[row["partition"]] = row["position"]
    return found
