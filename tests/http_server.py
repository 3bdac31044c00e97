"""Applications served on a real port, for tests of what happens on the wire."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from starlette.types import ASGIApp

from shared.http.server import serve


@dataclass
class Served:
    """A running server: its port, its stop event and its task."""

    port: int
    stop: asyncio.Event
    task: asyncio.Task[None]


@asynccontextmanager
async def served(app: ASGIApp, on_stop: Callable[[], None] | None = None) -> AsyncIterator[Served]:
    """Serves an application on a free port of the loopback interface; stops it afterwards."""
    stop = asyncio.Event()
    bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, stop, bound.set_result, on_stop=on_stop))
    task.add_done_callback(lambda _: bound.cancel())
    try:
        yield Served(await bound, stop, task)
    finally:
        stop.set()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


class Wire:
    """One TCP connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Sends bytes; what the server no longer takes is lost."""
        if not self._writer.is_closing():
            self._writer.write(data)
            with suppress(ConnectionError):
                await self._writer.drain()

    async def rest(self) -> bytes:
        """Everything until the server closes the connection."""
        received = b""
        with suppress(ConnectionError):
            while piece := await self._reader.read(65536):
                received += piece
        return received

    async def answer(self) -> bytes:
        """One whole answer that tells its length."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return head + await self._reader.readexactly(int(length))

    def cut(self) -> None:
        """Hangs up without a farewell."""
        self._writer.transport.abort()


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[Wire]:
    """A connection to the loopback interface."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
