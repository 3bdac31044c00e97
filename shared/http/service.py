"""A service as its composition root hands it over: an ASGI application with what others must know of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http.health import ReadinessCheck


def _nothing() -> None:
    """For services whose answers end by themselves."""


@dataclass(frozen=True, slots=True)
class Service:
    """An ASGI application, its readiness checks by dependency, its OpenAPI document, and what ends its streams.

    `on_stop` is called once no more requests are taken; what would go on for ever ends then.

    Several services behind one port answer `/readyz` and `/openapi.json` from what all of them bring.
    """

    asgi: ASGIApp
    readiness: Mapping[str, ReadinessCheck]
    openapi: Callable[[], dict[str, Any]]
    on_stop: Callable[[], None] = _nothing

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serves one request."""
        return self.asgi(scope, receive, send)
