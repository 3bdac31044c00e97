"""A small HTTP client over kept connections, so cheap that the scenarios do not measure it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import NamedTuple, Self

from tests.bench.measurement import BenchError


class Answer(NamedTuple):
    """An answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class KeepAlive:
    """One connection to a loopback port, for one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Sends one request and reads its answer, which has to carry its length.

        Raises `BenchError` when the server hangs up.
        """
        lines = [f"{method} {path} HTTP/1.1", "host: localhost", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            answered = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
            }
            content = await self._reader.readexactly(int(answered.get("content-length", "0")))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise BenchError(f"{method} {path}: the server hung up") from error
        return Answer(int(head[0].split()[1]), answered, content)


class Pool:
    """Open connections, lent out one request at a time."""

    def __init__(self, idle: list[KeepAlive]) -> None:
        self._idle: asyncio.LifoQueue[KeepAlive] = asyncio.LifoQueue()
        for connection in idle:
            self._idle.put_nowait(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[KeepAlive]:
        """A connection that nobody else uses meanwhile; waits for one."""
        lent = await self._idle.get()
        yield lent
        self._idle.put_nowait(lent)


@asynccontextmanager
async def connections(port: int, count: int) -> AsyncIterator[Pool]:
    """So many connections to a loopback port, until the context is left."""
    async with AsyncExitStack() as stack:
        yield Pool([await stack.enter_async_context(KeepAlive(port)) for _ in range(count)])
