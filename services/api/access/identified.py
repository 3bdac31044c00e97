"""Asks every request for its credential, before anything else looks at it."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.access.reader import put_reader, reader_of
from shared.credentials.access import Access
from shared.http.problems import Problem

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})
"""What probes, Prometheus and people who look for a description get without a credential."""


class IdentifiedReaders:
    """Runs an application that finds the reader in the scope. Raises the problems 401, 429 and 503 of `Access`."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        bearer, limits = await self._access.admit(authorization)
        put_reader(scope, reader_of(bearer))
        if not limits:
            await self._app(scope, receive, send)
            return

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *limits]
            await send(message)

        try:
            await self._app(scope, receive, telling)
        except Problem as problem:
            problem.headers.update((name.decode(), value.decode()) for name, value in limits)
            raise
