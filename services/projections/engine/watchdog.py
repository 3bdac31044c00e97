"""The watchdog: looks every few seconds at where the log ends and where views stand, and tells it in metrics.

It has a database connection and a log reader of its own, so that it neither disturbs the projections nor depends on
them. What it cannot find out is absent from the metrics, never 0.
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from services.projections.engine.log_identity import compare_logs
from services.projections.engine.standstill import Standstill
from services.projections.engine.watched_gauges import tell, tell_database_bytes
from services.projections.sight.lag import LagReader, LogSight
from services.projections.sight.system_sight import SystemSight, see_system
from shared.clock import Clock
from shared.log.port import EventLog, LogReader
from shared.metrics import WatchedMetrics

_LOG_SECONDS: Final = 10.0
_STANDS_SECONDS: Final = 60.0
_LOOK_OVERDUE_SECONDS: Final = 45.0
_LOOKS_BETWEEN_SIZES: Final = 12


class NotWellError(Exception):
    """What the watchdog saw last is not as it should be; the message says what and since when."""


class Watchdog:
    """Looks at the whole system, whichever partitions this process holds. For one task."""

    def __init__(
        self,
        database_url: str,
        log: EventLog,
        metrics: WatchedMetrics,
        clock: Clock,
        *,
        database_timeout_seconds: float = 2.0,
        pause_seconds: float = 5.0,
    ) -> None:
        self._database_url = database_url
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._database_timeout_seconds = database_timeout_seconds
        self._pause_seconds = pause_seconds
        self._standstill = Standstill()
        self._connection: asyncpg.Connection | None = None
        self._opened = AsyncExitStack()
        self._reader: LogReader | None = None
        self._lag_reader: LagReader | None = None
        self._looks_until_sizes = 0
        self._looked_at: datetime | None = None
        self._trouble: dict[str, str] = {}
        self._standing: dict[str, float] = {}

    async def run(self) -> None:
        """Looks until cancelled, through outages of whatever it looks at. A look takes at most about 20 s."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(self._pause_seconds)
        finally:
            await self.close()

    async def look(self) -> None:
        """One look, told in the metrics. Raises nothing but cancellation; may be repeated."""
        system = await self._see_system()
        # After the positions, so that the head is never older than they are.
        log = await self._see_log(system)
        now = self._clock()
        self._standing = tell(self._metrics, system, log, self._standstill, now)
        self._looked_at = now

    async def close(self) -> None:
        """Ends the connection and the reader. May be repeated."""
        self._end_connection()
        await self._end_reader()

    async def check_database(self) -> None:
        """A readiness check, from the last look; raises `NotWellError`."""
        self._check("database")

    async def check_log(self) -> None:
        """A readiness check, from the last look; raises `NotWellError`."""
        self._check("event log")

    async def check_progress(self) -> None:
        """A readiness check, from the last look: raises `NotWellError` where a live view stands while events wait."""
        self._check_looked()
        standing = [
            f"{view} has not moved for {seconds:.0f} s"
            for view, seconds in self._standing.items()
            if seconds > _STANDS_SECONDS
        ]
        if standing:
            raise NotWellError(f"events wait, and {', '.join(standing)}; see `rapport status`")

    def _check(self, what: str) -> None:
        self._check_looked()
        if what in self._trouble:
            raise NotWellError(self._trouble[what])

    def _check_looked(self) -> None:
        if self._looked_at is None:
            raise NotWellError("not looked at yet")
        seconds = (self._clock() - self._looked_at).total_seconds()
        if seconds > _LOOK_OVERDUE_SECONDS:
            raise NotWellError(f"not looked at for {seconds:.0f} s")

    async def _see_system(self) -> SystemSight | None:
        try:
            async with asyncio.timeout(2 * self._database_timeout_seconds):
                connection = await self._connected()
                seen = await see_system(connection)
                if self._looks_until_sizes == 0:
                    await tell_database_bytes(self._metrics, connection)
            self._looks_until_sizes = (self._looks_until_sizes or _LOOKS_BETWEEN_SIZES) - 1
        except Exception as error:  # noqa: BLE001 - a watchdog that dies leaves gauges behind that no longer hold
            self._end_connection()
            self._looks_until_sizes = 0
            self._note("database", error)
            return None
        self._over("database")
        return seen

    async def _see_log(self, system: SystemSight | None) -> LogSight | None:
        try:
            async with asyncio.timeout(_LOG_SECONDS):
                if self._reader is None or self._lag_reader is None:
                    self._reader = await self._opened.enter_async_context(self._log.reader())
                    self._lag_reader = LagReader(self._reader)
                identity = await self._reader.identity()
                if system is not None and system.log is not None:
                    compare_logs(system.log, identity)
                bounds = await self._reader.bounds(range(identity.partitions))
                lags = await self._lag_reader.lags(bounds, system.positions if system else {})
        except Exception as error:  # noqa: BLE001 - as above
            await self._end_reader()
            self._note("event log", error)
            return None
        self._over("event log")
        return LogSight(bounds, lags)

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            milliseconds = str(int(self._database_timeout_seconds * 1000))
            self._connection = await asyncpg.connect(
                self._database_url,
                timeout=self._database_timeout_seconds,
                command_timeout=self._database_timeout_seconds,
                server_settings={
                    "application_name": "rapport watchdog",
                    "statement_timeout": milliseconds,
                    "idle_in_transaction_session_timeout": milliseconds,
                    "timezone": "UTC",
                },
            )
        return self._connection

    def _end_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None

    async def _end_reader(self) -> None:
        self._reader = self._lag_reader = None
        try:
            await self._opened.aclose()
        except Exception as error:  # noqa: BLE001 - what it read from is away
            structlog.get_logger("rapport.projections").debug("reader_not_closed", detail=str(error))

    def _note(self, what: str, error: Exception) -> None:
        unsaid = "no answer in time" if isinstance(error, TimeoutError) else "no reason given"
        reason = f"{type(error).__name__}: {str(error) or unsaid}"
        if what not in self._trouble:
            structlog.get_logger("rapport.projections").warning(
                "watchdog_does_not_see", what=what, detail=reason
            )
        self._trouble[what] = reason

    def _over(self, what: str) -> None:
        if self._trouble.pop(what, None) is not None:
            structlog.get_logger("rapport.projections").info("watchdog_sees_again", what=what)
