"""One watcher a process: what it costs, whom it wakes, what it says when it cannot follow."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from services.api.database import DatabaseUnavailableError
from services.api.position_watch import PositionNotReachedError, PositionWatch
from shared.position import Position


class Server:
    """A PostgreSQL of positions: takes connections unless it is away, counts queries, sends announcements."""

    def __init__(self) -> None:
        self.position = Position({})
        self.standby = False
        self.away: Exception | None = None
        self.queries = 0
        self.replaced = 0
        self.looked = asyncio.Event()
        self.replaced_again = asyncio.Event()
        self._listeners: list[Callable[..., None]] = []

    async def connect(self) -> Any:
        if self.away:
            raise ConnectionRefusedError
        return self

    async def add_listener(self, channel: str, listener: Callable[..., None]) -> None:
        assert channel == "rapport_positions"
        self._listeners.append(listener)

    async def fetch(self, statement: str) -> list[dict[str, Any]]:
        assert "control.positions" in statement
        if self.away:
            raise self.away
        self.queries += 1
        self.looked.set()
        offsets = self.position.offsets.items()
        return [{"partition": p, "position": o, "standby": self.standby} for p, o in offsets]

    def terminate(self) -> None:
        self._listeners.clear()

    async def replace_connections(self) -> None:
        self.replaced += 1
        if self.replaced > 1:
            self.replaced_again.set()

    def announce(self, position: Position, *, payload: bool = True) -> None:
        self.position = position
        for listener in self._listeners:
            listener(self, 1, "rapport_positions", position.token() if payload else "")


@asynccontextmanager
async def watching(server: Server, most_waiting: int = 20_000) -> AsyncIterator[PositionWatch]:
    watch = PositionWatch(server.connect, server.replace_connections, most_waiting=most_waiting)
    running = asyncio.create_task(watch.run())
    await server.looked.wait()
    yield watch
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_ten_thousand_waiters_cost_no_query_each() -> None:
    server = Server()
    async with watching(server) as watch:
        waits = [asyncio.create_task(watch.reach(Position({0: n % 100 + 1}), 20)) for n in range(10_000)]
        await asyncio.sleep(0)
        before = server.queries
        for offset in range(1, 101):
            server.announce(Position({0: offset}))
        await asyncio.gather(*waits)
        assert server.queries - before <= 5  # the polling of the time it took


@pytest.mark.parametrize("announced", [True, False], ids=["announced without payload", "not announced"])
async def test_a_position_that_no_announcement_carries_is_looked_up(announced: bool) -> None:  # noqa: FBT001
    server = Server()
    async with watching(server) as watch:
        wait = asyncio.create_task(watch.reach(Position({3: 7}), 20))
        await asyncio.sleep(0)
        if announced:
            server.announce(Position({3: 7}), payload=False)
        server.position = Position({3: 7})
        await wait


async def test_a_wait_ends_in_time_and_says_how_far_the_views_are() -> None:
    server = Server()
    async with watching(server) as watch:
        server.announce(Position({0: 5}))
        with pytest.raises(PositionNotReachedError, match=r"within 0\.05 s") as refused:
            await watch.reach(Position({0: 6}), 0.05)
        assert refused.value.known == Position({0: 5})


async def test_one_more_wait_than_the_bound_is_refused_at_once() -> None:
    server = Server()
    async with watching(server, most_waiting=1) as watch:
        wait = asyncio.create_task(watch.reach(Position({0: 1}), 20))
        await asyncio.sleep(0)
        with pytest.raises(PositionNotReachedError, match="1 requests are waiting"):
            await watch.reach(Position({0: 1}), 20)
        server.announce(Position({0: 1}))
        await wait


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    ],
)
async def test_waits_end_when_the_database_is_away_and_work_again_afterwards(error: Exception) -> None:
    server = Server()
    async with watching(server) as watch:
        wait = asyncio.create_task(watch.reach(Position({0: 1}), 20))
        await asyncio.sleep(0)
        server.away = error
        with pytest.raises(DatabaseUnavailableError):
            await wait
        with pytest.raises(DatabaseUnavailableError):
            await watch.reach(Position({0: 1}), 20)
        server.looked.clear()
        server.away, server.position = None, Position({0: 1})
        await server.looked.wait()
        await watch.reach(Position({0: 1}), 20)
        assert server.replaced == 1


async def test_a_server_that_was_a_standby_is_asked_again_over_a_new_connection() -> None:
    server = Server()
    server.position, server.standby = Position({0: 1}), True
    async with watching(server) as watch:
        await watch.reach(Position({0: 1}), 20)
        assert server.replaced == 1
        server.standby, server.position = False, Position({0: 2})
        await watch.reach(Position({0: 2}), 20)
        await server.replaced_again.wait()
        assert server.replaced == 2


async def test_an_announcement_wakes_its_waiters_without_a_look_at_the_database() -> None:
    server = Server()
    async with watching(server) as watch:
        wait = asyncio.create_task(watch.reach(Position({3: 7}), 20))
        await asyncio.sleep(0)
        server.announce(Position({3: 7}))
        server.position = Position({})
        await wait
