"""What is measured and logged of every request: latency by route and status, one line with the trace id."""

import time
from typing import Final

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import trace_id_of

_SERVER_ERROR: Final = 500
_DEBUG: Final = 10


class ObservedRequests:
    """Runs an application, observes each request's latency and logs it: at debug, or at warning from 500 up.

    A request whose client hung up counts with the status `disconnected`, a path nobody serves as `unmatched`,
    so that clients cannot make series. Lines carry the request's trace id; query strings are never logged.
    The application tells the route as `scope["route"].path`, like Starlette, or as `scope["rapport.route"]`.
    """

    def __init__(self, app: ASGIApp, seconds: Histogram) -> None:
        self._app = app
        self._seconds = seconds
        self._series: dict[tuple[str, str], Histogram] = {}
        self._log = structlog.get_logger("rapport.api").bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def noticing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, noticing)
        finally:
            self._observe(scope, status, time.perf_counter() - began)

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        matched = getattr(scope.get("route"), "path", "unmatched")
        route: str = scope.get("rapport.route", matched)
        outcome = str(status) if status else "disconnected"
        series = self._series.get((route, outcome))
        if series is None:
            series = self._series[route, outcome] = self._seconds.labels(route, outcome)
        series.observe(seconds)
        if status >= _SERVER_ERROR:
            self._log.warning("request", **_line(scope, route, outcome, seconds))
        elif self._log.is_enabled_for(_DEBUG):
            self._log.debug("request", **_line(scope, route, outcome, seconds))


def _line(scope: Scope, route: str, outcome: str, seconds: float) -> dict[str, object]:
    return {
        "method": scope["method"],
        "route": route,
        "status": outcome,
        "milliseconds": round(seconds * 1000, 1),
        "trace_id": trace_id_of(scope),
    }
