"""An event that ends the process that handles it: counted beforehand, found, and parked for the view at fault."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table

from services.projections.engine.attempts import views_left_out
from services.projections.engine.generations import make_first_generation
from services.projections.engine.worker import Projection, run_worker
from services.projections.read_models.declaration import Entries, ReadModel, Row
from services.projections.read_models.timeline import TIMELINE
from shared.envelope import RecordedEvent
from shared.log.port import StoredRecord
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import (
    append,
    decode,
    end_of,
    event_ids,
    eventually,
    position_of,
    projection,
    purchase,
    reached,
    worker,
)

_PLACES = Table(
    "places",
    MetaData(),
    Column("partition", Integer, primary_key=True),
    Column("log_offset", BigInteger, primary_key=True),
)


class DiedError(BaseException):
    """The process ends here, as far as a process can tell."""


def _row(event: RecordedEvent[Any]) -> Row:
    if event.id == "purchase-13":
        raise DiedError
    return {"partition": event.partition, "log_offset": event.offset}


PLACES = ReadModel("places", 1, Entries(_row), _PLACES, TIMELINE.consumes)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=2)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def deaths_until_all_is_projected(
    connection: asyncpg.Connection, log: MemoryLog, make: Callable[[], Projection]
) -> int:
    """Starts a worker, and another whenever one dies, as a supervisor would."""
    for deaths in range(2 * len(READ_MODELS)):  # each view is left out once
        stop = asyncio.Event()
        running = asyncio.create_task(run_worker(make(), stop))
        arrival = asyncio.create_task(reached(connection, end_of(log)))
        await asyncio.wait({running, arrival}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            arrival.cancel()
            assert isinstance(running.exception(), DiedError)
            continue
        stop.set()
        await running
        return deaths
    raise AssertionError(f"still dying at {await position_of(connection)}")


async def filled_log() -> MemoryLog:
    log = MemoryLog(partitions=2)
    await append(log, [purchase(number, f"M{number % 5}") for number in range(40)])
    return log


async def test_an_event_that_ends_processes_is_parked_for_the_view_at_fault_with_its_followers(
    connection: asyncpg.Connection, database_url: str
) -> None:
    async with connection.transaction():
        await make_first_generation(connection, PLACES)
    log = await filled_log()
    deaths = await deaths_until_all_is_projected(
        connection,
        log,
        lambda: projection(database_url, log, read_models=(*READ_MODELS, PLACES), batch_events=8),
    )
    assert deaths >= 4
    assert len(await event_ids(connection)) == 40
    assert await connection.fetchval("select count(*) from live.places") == 40 - 6
    parked = await connection.fetch("select * from control.parked_events order by log_offset")
    assert {row["view"] for row in parked} == {"places"}
    assert [(row["event_id"], row["error"]) for row in parked] == [
        ("purchase-13", "RepeatedCrashError"),
        *((f"purchase-{number}", "BehindParkedError") for number in (18, 23, 28, 33, 38)),
    ]
    assert parked[0]["attempts"] == 5 + len(READ_MODELS)


async def test_a_record_whose_decoding_ends_processes_is_parked_undecoded(
    connection: asyncpg.Connection, database_url: str
) -> None:
    def deadly(stored: StoredRecord) -> RecordedEvent[Any]:
        event = decode(stored)
        if event.id == "purchase-13":
            raise DiedError
        return event

    log = await filled_log()
    await deaths_until_all_is_projected(
        connection, log, lambda: projection(database_url, log, decode=deadly, batch_events=8)
    )
    assert len(await event_ids(connection)) == 39
    [parked] = await connection.fetch("select * from control.parked_events")
    assert (parked["view"], parked["error"], parked["event_id"]) == ("*", "RepeatedCrashError", None)


async def test_an_attempt_that_the_worker_outlives_counts_for_nothing(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await filled_log()
    blocker = await asyncpg.connect(database_url)

    async def waiting() -> list[int]:
        rows = await connection.fetch(
            "select pid from pg_locks where not granted and relation = 'control.journal'::regclass"
        )
        return [row["pid"] for row in rows]

    await blocker.execute("begin; lock table control.journal in share mode")
    async with worker(projection(database_url, log)):
        for _ in range(6):
            [pid] = await eventually(waiting)
            assert await connection.fetchval("select max(attempts) from control.attempts") == 1
            assert await connection.fetchval("select pg_terminate_backend($1, 20000)", pid)
        await eventually(waiting)
        await blocker.execute("rollback")
        await reached(connection, end_of(log))
    await blocker.close()
    assert len(await event_ids(connection)) == 40
    assert await connection.fetchval("select count(*) from control.parked_events") == 0


def test_views_are_left_out_one_after_the_other() -> None:
    assert [views_left_out(attempt, 2) for attempt in range(1, 9)] == [
        *[frozenset()] * 4, {0}, {1}, {0, 1}, None,
    ]  # fmt: skip
