"""Clients that hang up: their work ends with them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import Problem, send_problem

BODY_BYTES: Final = 64 * 1024
_UNWATCHED_SECONDS: Final = 0.05
"""How long a request runs before its client is watched: most are answered by then and need no watcher."""


class EndedByDisconnect:
    """Runs an application and cancels it as soon as its client hangs up, so that no query runs for nobody.

    Only what has run for 50 ms is cancelled; what is quicker ends by itself. Takes the request's body first,
    at most 64 KiB (413 `too_large` beyond it). A cancelled handler has to end by itself; what it must finish
    it shields.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Returns when the application has answered or was cancelled for the client's disconnect."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await _whole_body(receive)
        except Problem as problem:
            await send_problem(problem, scope, send)
            return
        if body is not None:
            await _until_disconnect(lambda: self._app(scope, _replaying(body), send), receive)


async def _whole_body(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_BYTES:
            raise Problem(413, "too_large", f"the body is over {BODY_BYTES} bytes")
        if not message.get("more_body", False):
            return bytes(body)


def _replaying(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()  # a disconnect ends the handler, it is not told of one
        raise AssertionError

    return receive


async def _until_disconnect(handle: Callable[[], Awaitable[None]], receive: Receive) -> None:
    handler = asyncio.current_task()
    hung_up = False

    async def watch() -> None:
        nonlocal hung_up
        while (await receive())["type"] != "http.disconnect":
            pass
        hung_up = True
        if handler is not None:
            handler.cancel()

    watchers: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()
    begin = loop.call_later(_UNWATCHED_SECONDS, lambda: watchers.append(loop.create_task(watch())))
    try:
        await handle()
    except asyncio.CancelledError:
        if not hung_up or handler is None or handler.uncancel() > 0:
            raise
    finally:
        begin.cancel()
        for watcher in watchers:
            watcher.cancel()
