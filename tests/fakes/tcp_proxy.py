"""A TCP proxy on the loopback interface that can turn silent or cut its connections, and heal again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self
from weakref import WeakSet

_CHUNK_BYTES = 64 * 1024
_CONNECT_SECONDS = 5


class TcpProxy:
    """Forwards to one target, `(host, port)` or the path of a Unix socket; made by `tcp_proxy`."""

    def __init__(self, target: tuple[str, int] | Path) -> None:
        self.target = target
        self.port = 0
        self._passing = asyncio.Event()
        self._passing.set()
        self._refusing = False
        self._connections: set[asyncio.Task[None]] = set()
        self._accepted_ends: WeakSet[asyncio.StreamWriter] = WeakSet()
        self._server: asyncio.Server | None = None

    def black_hole(self) -> None:
        """From now on nothing gets through; connections stay open and new ones are taken, as a dead network would."""
        self._passing.clear()

    def cut(self) -> None:
        """Ends every connection; new ones are closed at once."""
        self._refusing = True
        for connection in self._connections:
            connection.cancel()

    def heal(self) -> None:
        """Lets everything through again, including what a black hole held back."""
        self._refusing = False
        self._passing.set()

    async def start(self, port: int = 0) -> Self:
        """Listens on the port, or on a free one."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Ends every connection and stops listening."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)
        for writer in self._accepted_ends:
            with suppress(OSError):
                await writer.wait_closed()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._forward(reader, writer))
        self._connections.add(connection)
        self._accepted_ends.add(writer)
        connection.add_done_callback(self._connections.discard)
        connection.add_done_callback(lambda _: writer.close())

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_writer: asyncio.StreamWriter | None = None
        try:
            with suppress(OSError, TimeoutError, asyncio.CancelledError):
                if self._refusing:
                    return
                await self._passing.wait()
                async with asyncio.timeout(_CONNECT_SECONDS):
                    onward_reader, onward_writer = await self._connect()
                pumps = {
                    asyncio.create_task(self._pump(reader, onward_writer)),
                    asyncio.create_task(self._pump(onward_reader, writer)),
                }
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()
                    await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            if onward_writer is not None:
                onward_writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(str(self.target))
        return await asyncio.open_connection(*self.target)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            await self._passing.wait()
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def tcp_proxy(target: tuple[str, int] | Path, port: int = 0) -> AsyncIterator[TcpProxy]:
    """A proxy that passes everything until told otherwise."""
    proxy = await TcpProxy(target).start(port)
    try:
        yield proxy
    finally:
        await proxy.stop()
