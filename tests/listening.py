"""Clients of the stream of hints, reading it as browsers do."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from tests.api_reader import Reader
from tests.http_server import served


class Heard(NamedTuple):
    """One event of a stream."""

    id: str
    name: str
    data: Any


class Listener:
    """An open stream. What it is not asked for waits."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.bytes = b""
        self._lines = answer.aiter_lines()

    async def next(self) -> Heard:
        """The next event but for those that say how things stand. Raises `EOFError` at the end of the stream."""
        while (heard := await self._any()).name == "standing":
            pass
        return heard

    async def standing(self) -> float | None:
        """By how many seconds views are behind, when that is told next; other events are passed over."""
        while (heard := await self._any()).name != "standing":
            pass
        behind: float | None = heard.data["behind_seconds"]
        return behind

    async def _any(self) -> Heard:
        told: dict[str, str] = {}
        async for line in self._lines:
            self.bytes += line.encode() + b"\n"
            if not line and "event" in told:
                return Heard(told["id"], told["event"], json.loads(told["data"]))
            name, _, value = line.partition(": ")
            told[name] = value
        raise EOFError

    async def changed(self, topic: str) -> Heard:
        """The next hint of a topic; others are passed over."""
        while True:
            heard = await self.next()
            if heard.name == "changed" and heard.data["topic"] == topic:
                return heard


@asynccontextmanager
async def listening(url: str, topics: str, **given: Any) -> AsyncIterator[Listener]:
    """A stream of some topics, from a server at a URL."""
    headers = given.pop("headers", {})
    async with (
        httpx.AsyncClient(timeout=20) as client,
        client.stream("GET", f"{url}/v1/live", params={"topics": topics, **given}, headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield Listener(answer)


@asynccontextmanager
async def on_a_port(reader: Reader) -> AsyncIterator[str]:
    """The address of an API that is served on the loopback interface."""
    async with served(reader.service, on_stop=reader.service.on_stop) as at:
        yield f"http://127.0.0.1:{at.port}"
