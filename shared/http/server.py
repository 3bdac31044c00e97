"""Serving an ASGI application over HTTP/1.1: uvicorn with our deadlines, stopped by an event."""

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp

from shared.http.deadlines import DeadlineProtocol, enforce_deadlines
from shared.http.joined_writes import EndOfTurn

DRAIN_SECONDS: Final = 6
"""How long requests under way may still take after the stop; longer than the longest append."""
KEEP_ALIVE_SECONDS: Final = 30
BACKLOG: Final = 2048


class AddressUnavailableError(Exception):
    """The address could not be listened on; the message says which and why."""


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    stop: asyncio.Event,
    on_bound: Callable[[int], None] | None = None,
    *,
    on_stop: Callable[[], None] | None = None,
) -> None:
    """Serves `app` until `stop` is set, then takes no more connections and drains for at most 6 s.

    Port 0 takes a free one; `on_bound` is called with the port once connections are taken, `on_stop` once none are,
    for what would go on for ever. Installs no signal handlers and runs no lifespan. Raises `AddressUnavailableError`
    before it serves anything. Cancelling it cuts all connections.
    """
    listener = _listener(host, port)
    config = uvicorn.Config(
        app,
        http=cast(
            "type[DeadlineProtocol]",
            partial(DeadlineProtocol, end_of_turn=EndOfTurn(asyncio.get_running_loop())),
        ),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = _Server(config, lambda: on_bound and on_bound(listener.getsockname()[1]))
    watchers: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as group:
            watchers.append(group.create_task(server.stop_after(stop, on_stop)))
            watchers.append(group.create_task(enforce_deadlines(server.server_state.connections)))
            await server.serve(sockets=[listener])
            for watcher in watchers:
                watcher.cancel()
    finally:
        await server.cut()
        listener.close()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop of the kind services run on: uvloop where there is one; for `asyncio.Runner`."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - not to be had on Windows

    return uvloop.new_event_loop()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_started: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_started = on_started
        self.servers: list[asyncio.Server] = []

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the process's `main`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    async def stop_after(self, stop: asyncio.Event, on_stop: Callable[[], None] | None) -> None:
        await stop.wait()
        self.should_exit = True
        if on_stop is not None:
            on_stop()

    async def cut(self) -> None:
        """Cuts what is left after the drain: connections, and handlers that do not end by themselves."""
        for listening in self.servers:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)


def _listener(host: str, port: int) -> socket.socket:
    try:
        candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = candidates[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            with suppress(OSError):
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise AddressUnavailableError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --host or --port"
        ) from error
    return listener
