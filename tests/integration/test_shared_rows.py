"""Mergeable rows that several workers write at once: nothing is lost, nothing counts twice."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec import json

from services.projections.engine.batch import prepare
from services.projections.engine.generations import LiveView, make_first_generation
from services.projections.engine.view_update import update_view
from services.projections.migrate import migrate
from tests.channel_totals import CHANNEL_TOTALS
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, decode, end_of, eventually, leases, projection, purchase, reached, worker

EVERY = (*READ_MODELS, CHANNEL_TOTALS)
_CHANNELS = ("web", "phone", "store")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await migrate(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await make_first_generation(connection, CHANNEL_TOTALS)
    yield connection
    await connection.close()


async def totals(connection: asyncpg.Connection) -> dict[str, tuple[int, dict[str, int]]]:
    rows = await connection.fetch("select * from live.channel_totals")
    return {row["channel"]: (row["events"], json.decode(row["types"])) for row in rows}


async def test_several_workers_add_to_the_same_rows_and_lose_nothing(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=4)
    projected = projection(database_url, log, read_models=EVERY, batch_events=7)
    async with worker(projected), worker(projected), worker(projected):

        async def shared_out() -> bool:
            return sorted((await leases(connection)).values()) == [1, 1, 2]

        await eventually(shared_out)
        for first in range(0, 600, 60):
            events = range(first, first + 60)
            await append(log, [purchase(n, f"M{n}", channel=_CHANNELS[n % 3]) for n in events])
        await reached(connection, end_of(log))
    assert await totals(connection) == {name: (200, {"purchase.completed": 200}) for name in _CHANNELS}
    assert await connection.fetchval("select sum(events) from live.customer_summary") == 600


async def test_a_row_that_another_worker_adds_first_is_added_to(
    connection: asyncpg.Connection, database_url: str
) -> None:
    view = LiveView.of(CHANNEL_TOTALS, 1)
    log = MemoryLog(partitions=1)
    await append(log, [purchase(1), purchase(2, channel="web")])
    batch = await prepare(log.records(), decode, [view])
    given = [entry.contributions[0] for entry in batch.entries if entry.contributions[0] is not None]
    other = await asyncpg.connect(database_url)

    async def waiting() -> bool:
        return bool(
            await connection.fetchval("select true from pg_stat_activity where wait_event_type = 'Lock'")
        )

    first = other.transaction()
    await first.start()
    assert await update_view(other, view, given[:1]) == []

    async def second() -> None:
        late = await asyncpg.connect(database_url)
        async with late.transaction():
            assert await update_view(late, view, given, ahead=batch.ahead[0]) == []
        await late.close()

    running = asyncio.create_task(second())
    await eventually(waiting)
    await first.commit()
    await running
    await other.close()
    assert await totals(connection) == {
        "store": (2, {"purchase.completed": 2}),
        "web": (1, {"purchase.completed": 1}),
    }
