"""What is measured and logged of every request: latency by route and status, one line with the trace id."""

import time
from typing import Final

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import trace_id_of

_SERVER_ERROR: Final = 500

_log = structlog.get_logger("rapport.api")


class ObservedRequests:
    """Runs an application, observes each request's latency and logs it: at debug, or at warning from 500 up.

    A request whose client hung up counts with the status `disconnected`, a path nobody serves as
    `unmatched`, so that clients cannot make series. Log lines of the request carry its trace id; query
    strings are never logged.
    """

    def __init__(self, app: ASGIApp, seconds: Histogram) -> None:
        self._app = app
        self._seconds = seconds

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
        with structlog.contextvars.bound_contextvars(trace_id=trace_id_of(scope)):
            try:
                await self._app(scope, receive, noticing)
            finally:
                self._observe(scope, status, time.perf_counter() - began)

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        outcome = str(status) if status else "disconnected"
        self._seconds.labels(route, outcome).observe(seconds)
        log = _log.warning if status >= _SERVER_ERROR else _log.debug
        log(
            "request",
            method=scope["method"],
            route=route,
            status=outcome,
            milliseconds=round(seconds * 1000, 1),
        )
