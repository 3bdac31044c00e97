"""Makes a scoring run whenever the latest is old enough, in a process of its own, as long as another process serves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import asyncpg
import structlog

from shared.clock import Clock
from shared.metrics import ScoringMetrics

LOOK_SECONDS: Final = 300.0
"""From one look at the latest run to the next, and before the first: a start is no time for a run."""
_LONGEST_PAUSE_SECONDS: Final = 6 * 3600.0
_TIMEOUT_SECONDS: Final = 5.0


class Ended(NamedTuple):
    """How a run ended: what is to be logged of it, or why it failed."""

    run_id: str
    customers: int
    failure: str | None = None


Run = Callable[[], Awaitable[Ended]]
"""Makes one run and answers how it ended; cancelling it ends it, and nothing half-made is seen."""


class ScoringSchedule:
    """Looks whether a run is due. Any number of processes may: only one run is made at a time, and the next is due
    `hours` after the latest, whoever made it.
    """

    def __init__(
        self, database_url: str, hours: int, run: Run, metrics: ScoringMetrics, received: Clock
    ) -> None:
        """`received` is the time at which events are recorded, as runs are."""
        self._database_url = database_url
        self._every = timedelta(hours=hours)
        self._run = run
        self._metrics = metrics
        self._received = received

    async def follow(self, stop: asyncio.Event, look_seconds: float = LOOK_SECONDS) -> None:
        """Looks again and again until `stop`, at which a run under way is given up. After a failure the pause doubles,
        up to six hours. With 0 hours it makes no run.
        """
        if not self._every:
            return
        pause = look_seconds
        while not await _stopped(stop, pause):
            try:
                failed = await self._look(stop)
            except Exception:  # noqa: BLE001 - nothing that a look meets may end what else this process does
                structlog.get_logger("rapport.scoring").exception("scoring_failed")
                self._metrics.runs.labels("failed").inc()
                failed = True
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS) if failed else look_seconds

    async def _look(self, stop: asyncio.Event) -> bool:
        """Makes a run if one is due. Whether it failed."""
        latest = await self._latest()
        if latest is not None:
            self._metrics.run_timestamp_seconds.set(latest.timestamp())
            if self._received() < latest + self._every:
                return False
        loop = asyncio.get_running_loop()
        log, began = structlog.get_logger("rapport.scoring"), loop.time()
        ended = await _unless(stop, self._run)
        if ended is None:
            return False
        seconds = round(loop.time() - began, 3)
        if ended.failure is not None:
            self._metrics.runs.labels("failed").inc()
            log.warning("scoring_failed", detail=ended.failure, seconds=seconds)
            return True
        self._metrics.runs.labels("completed").inc()
        self._metrics.run_seconds.set(seconds)
        self._metrics.run_timestamp_seconds.set(self._received().timestamp())
        log.info("scoring_completed", run_id=ended.run_id, customers=ended.customers, seconds=seconds)
        return False

    async def _latest(self) -> datetime | None:
        """When the latest run was recorded."""
        connection = await asyncpg.connect(
            self._database_url, timeout=_TIMEOUT_SECONDS, command_timeout=_TIMEOUT_SECONDS
        )
        try:
            found: datetime | None = await connection.fetchval("select max(time) from live.analytics_runs")
            return found
        finally:
            connection.terminate()


async def _unless(stop: asyncio.Event, run: Run) -> Ended | None:
    """What a run ended with; None where `stop` came first, by which it was given up."""
    running, stopping = asyncio.ensure_future(run()), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return running.result() if running.done() else None
    finally:
        stopping.cancel()
        running.cancel()
        await asyncio.gather(running, stopping, return_exceptions=True)


async def _stopped(stop: asyncio.Event, within_seconds: float) -> bool:
    try:
        async with asyncio.timeout(within_seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
