"""A crash at every await between the fold of a batch and its commit: afterwards each row is as if nothing had been."""

import asyncio
import multiprocessing
import os
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import asyncpg
import pytest

from services.projections.control import journal, parked_events
from services.projections.engine import projector
from services.projections.engine.application import apply_batch
from services.projections.engine.generations import make_first_generation
from services.projections.engine.worker import run_worker
from services.projections.migrate import migrate
from shared.log.port import NewRecord
from tests.channel_totals import CHANNEL_TOTALS
from tests.complaint_trails import COMPLAINT_TRAILS, POISON
from tests.databases import with_database
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, end_of, projection, purchase, reached, worker
from tests.strategies import JsonObject
from tests.suspensions import stepping

EVERY = (*READ_MODELS, COMPLAINT_TRAILS, CHANNEL_TOTALS)
PARTITIONS = 3
LANES = 6
MOST_AWAITS = 400
# Begin, lock, move, look for repeats, the journal, a load and a write for each view at the least, announce, commit.
FEWEST_AWAITS = 15
VARYING = ("parked_at",)
Deed = Callable[[str, asyncpg.Connection], Awaitable[None]]
"""Given the URL of the database and the connection on which a batch is applied."""


def batch(number: int) -> list[JsonObject]:
    """Events of all that can happen in one transaction: rows added and changed, repeats, events that are parked."""
    first = number * 100

    def step(at: int, complaint: str, type_: str, **changed: Any) -> JsonObject:
        data: JsonObject = {"complaint_id": complaint}
        return purchase(first + at, type=f"complaint.{type_}", data=data, **changed)

    return [
        *(purchase(first + at, f"M{at}") for at in range(6)),
        purchase(first, "M0"),
        *([purchase(first - 100, "M0")] if number else []),
        step(10, f"C{number}", "reopened"),
        step(11, "C", "reopened"),
        step(12, f"C{number - 1}", "closed"),
        step(13, f"P{number}", "reopened", source=POISON),
        step(14, f"P{number}", "reopened"),
    ]


async def log_of(batches: int) -> MemoryLog:
    """The same log in every process; each batch ends with a record that nobody can decode."""
    log = MemoryLog(PARTITIONS)
    log.log_id = "shared"
    for number in range(batches):
        await append_batch(log, number)
    return log


async def append_batch(log: MemoryLog, number: int) -> None:
    await append(log, batch(number))
    async with log.writer() as writer:
        await writer.append([NewRecord(b"pty_nobody", b"not an event")])


class Template(NamedTuple):
    """A database of empty views to make others from, by name."""

    server: str
    name: str


@pytest.fixture(scope="module")
async def template(postgres_server: str) -> AsyncIterator[Template]:
    name = f"template_{uuid.uuid4().hex[:12]}"
    server = await asyncpg.connect(postgres_server)
    await server.execute(f"create database {name}")
    url = with_database(postgres_server, name)
    await migrate(url, PARTITIONS)
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        for read_model in (COMPLAINT_TRAILS, CHANNEL_TOTALS):
            await make_first_generation(connection, read_model)
    await connection.close()
    yield Template(postgres_server, name)
    await server.execute(f"drop database {name} with (force)")
    await server.close()


class Views(NamedTuple):
    """A database of views, and a connection to it."""

    url: str
    connection: asyncpg.Connection


@asynccontextmanager
async def empty_views(template: Template) -> AsyncIterator[Views]:
    """A new database with empty views, dropped afterwards."""
    name = f"views_{uuid.uuid4().hex[:12]}"
    server = await asyncpg.connect(template.server)
    await server.execute(f"create database {name} template {template.name}")
    url = with_database(template.server, name)
    connection = await asyncpg.connect(url)
    try:
        yield Views(url, connection)
    finally:
        await connection.close()
        await server.execute(f"drop database {name} with (force)")
        await server.close()


async def rows(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """All that a batch writes, as text in order."""
    tables = {f"live.{table.name}": table for each in EVERY for table in each.tables}
    tables |= {"control.journal": journal, "control.parked_events": parked_events}
    found = {}
    for name, table in tables.items():
        columns = ", ".join(column for column in map(str, table.columns.keys()) if column not in VARYING)
        statement = f"select row({columns})::text as row from {name} order by 1"  # noqa: S608
        found[name] = [row["row"] for row in await connection.fetch(statement)]
    positions = "select partition || ' ' || position as row from control.positions order by 1"
    found["positions"] = [row["row"] for row in await connection.fetch(positions)]
    return found


async def project_to_end(views: Views, log: MemoryLog) -> None:
    async with worker(projection(views.url, log, read_models=EVERY)):
        await reached(views.connection, end_of(log))


async def cancel(_: str, __: asyncpg.Connection) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


async def lose_connection(_: str, connection: asyncpg.Connection) -> None:
    connection.terminate()


async def end_session(url: str, connection: asyncpg.Connection) -> None:
    """PostgreSQL ends it, having done what was asked for at this await, or not."""
    other = await asyncpg.connect(url)
    await other.execute("select pg_terminate_backend($1, 5000)", connection.get_server_pid())
    await other.close()


async def die(_: str, __: asyncpg.Connection) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Struck:
    """`apply_batch` on a database, to which something is done once, at one of its awaits."""

    def __init__(self, url: str, at: int, deed: Deed) -> None:
        self._url = url
        self._at = at
        self._deed = deed
        self.done = False

    async def apply(self, connection: asyncpg.Connection, *given: Any) -> Any:
        async def at(number: int) -> None:
            if number == self._at and not self.done:
                self.done = True
                await self._deed(self._url, connection)

        return await stepping(apply_batch(connection, *given), at)


_struck: ContextVar[Struck | None] = ContextVar("struck", default=None)
"""What is in store for the worker of this context: several run side by side."""


async def apply_struck(*given: Any) -> Any:
    struck = _struck.get()
    return await (struck.apply(*given) if struck is not None else apply_batch(*given))


async def strike_here(views: Views, batches: int, at: int, deed: Deed) -> bool:
    """Projects with a deed at the `at`-th await, by this worker or, where it ended, by another; whether it was done."""
    log = await log_of(batches)
    struck = Struck(views.url, at, deed)
    _struck.set(struck)
    stop = asyncio.Event()
    running = asyncio.create_task(run_worker(projection(views.url, log, read_models=EVERY), stop))
    arrival = asyncio.create_task(reached(views.connection, end_of(log)))
    await asyncio.wait({running, arrival}, return_when=asyncio.FIRST_COMPLETED)
    if not arrival.done():
        assert running.cancelled()
        async with worker(projection(views.url, log, read_models=EVERY)):
            await arrival
    stop.set()
    await asyncio.wait({running})
    assert running.cancelled() or running.exception() is None
    return struck.done


def live_and_die(url: str, batches: int, at: int) -> None:
    """A worker in a process of its own that dies at the `at`-th await, or ends when all is applied."""

    async def main() -> None:
        log = await log_of(batches)
        connection = await asyncpg.connect(url)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(projector, "apply_batch", Struck(url, at, die).apply)
            await project_to_end(Views(url, connection), log)
        await connection.close()

    asyncio.run(main())


async def strike_process(views: Views, batches: int, at: int) -> bool:
    """The same in a process that dies."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    process = processes.Process(target=live_and_die, args=(views.url, batches, at))
    process.start()
    await asyncio.to_thread(process.join, 30)
    assert process.exitcode in (0, -signal.SIGKILL)
    await project_to_end(views, await log_of(batches))
    return process.exitcode != 0


async def strike_everywhere(template: Template, strike: Callable[[Views, int, int], Awaitable[bool]]) -> None:
    """Strikes at every await of a batch, at several side by side, and compares the rows with an undisturbed run's.

    Every database goes through batches of its own, one an await, as many as the others in the end.
    """
    async with AsyncExitStack() as opened:
        lanes = [await opened.enter_async_context(empty_views(template)) for _ in range(LANES + 1)]
        undisturbed = lanes.pop()

        async def lane(number: int) -> int:
            """The first await of this lane that there was not."""
            for batches, at in enumerate(range(number + 1, MOST_AWAITS, LANES), start=1):
                if not await strike(lanes[number], batches, at):
                    return at
            raise AssertionError(f"still at work after {MOST_AWAITS} awaits")

        awaits = min(await asyncio.gather(*map(lane, range(LANES)))) - 1
        assert awaits >= FEWEST_AWAITS
        log = await log_of(awaits // LANES + 2)
        for views in (undisturbed, *lanes):
            await project_to_end(views, log)
        expected = await rows(undisturbed.connection)
        assert len(expected["control.parked_events"]) == 3 * (awaits // LANES + 2)
        assert len(expected["control.journal"]) == 11 * (awaits // LANES + 2)
        for views in lanes:
            assert await rows(views.connection) == expected


@pytest.mark.parametrize("deed", [cancel, lose_connection, end_session])
async def test_a_worker_interrupted_at_any_await_leaves_rows_as_if_it_had_not_been(
    monkeypatch: pytest.MonkeyPatch, template: Template, deed: Deed
) -> None:
    monkeypatch.setattr(projector, "apply_batch", apply_struck)
    await strike_everywhere(template, partial(strike_here, deed=deed))


async def test_a_worker_killed_at_any_await_leaves_rows_as_if_it_had_not_been(template: Template) -> None:
    await strike_everywhere(template, strike_process)
