"""Reports that something is away once, however often it is tried, and that it came back."""

import asyncio
from contextlib import suppress

import structlog

from shared.metrics import Metrics

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class Outage:
    """One worker's trouble with what it depends on. Pauses grow up to 5 s and start small again after recovery."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger("rapport.projections")
        self._error: str | None = None
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    async def wait(self, error: Exception, stop: asyncio.Event) -> None:
        """Takes note of a failure, then waits before the next attempt, at most until `stop`."""
        name = type(error).__name__
        self._metrics.projection_restarts.labels(error=name).inc()
        if name != self._error:
            self._log.warning("projection_waits", error=name, detail=str(error))
        self._error = name
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause_seconds):
                await stop.wait()
        self._pause_seconds = min(self._pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    def over(self) -> None:
        """Takes note that everything answers. May be repeated at no cost."""
        if self._error is not None:
            self._log.info("projection_goes_on", after=self._error)
        self._error = None
        self._pause_seconds = _FIRST_PAUSE_SECONDS
