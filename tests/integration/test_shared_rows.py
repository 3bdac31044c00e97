"""Mergeable rows that several workers write at once: nothing is lost, nothing counts twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from msgspec import json

from services.projections.engine.batch import Batch, contributions_to, prepare
from services.projections.engine.folding import Failure
from services.projections.engine.generations import LiveView, make_first_generation
from services.projections.engine.view_update import update_view
from services.projections.read_models.declaration import Mergeable, Row
from services.projections.read_models.identity_pairs import IDENTITY_PAIRS
from tests.channel_totals import CHANNEL_TOTALS
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.identifying import seen
from tests.projecting import append, decode, end_of, eventually, leases, projection, purchase, reached, worker
from tests.touch_counts import TOUCH_COUNTS

EVERY = (*READ_MODELS, CHANNEL_TOTALS, TOUCH_COUNTS)
_CHANNELS = ("web", "phone", "store")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        for read_model in (CHANNEL_TOTALS, TOUCH_COUNTS):
            await make_first_generation(connection, read_model)
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


async def update_beside(
    connection: asyncpg.Connection, database_url: str, view: LiveView, batch: Batch
) -> list[Failure]:
    """What updating the view with the batch answers where another worker adds its first event's rows meanwhile."""
    given = contributions_to(0, batch.entries)
    other = await asyncpg.connect(database_url)
    late = await asyncpg.connect(database_url)

    async def waiting() -> bool:
        return bool(
            await connection.fetchval("select true from pg_stat_activity where wait_event_type = 'Lock'")
        )

    first = other.transaction()
    await first.start()
    assert await update_view(other, view, given[:1]) == []

    async def second() -> list[Failure]:
        async with late.transaction():
            return await update_view(late, view, given, ahead=batch.ahead[0])

    running = asyncio.create_task(second())
    await eventually(waiting)
    await first.commit()
    failures = await running
    await other.close()
    await late.close()
    return failures


async def test_a_row_that_another_worker_adds_first_is_added_to(
    connection: asyncpg.Connection, database_url: str
) -> None:
    view = LiveView.of(CHANNEL_TOTALS, 1)
    log = MemoryLog(partitions=1)
    await append(log, [purchase(1), purchase(2, channel="web")])
    batch = await prepare(log.records(), decode, [view])
    assert await update_beside(connection, database_url, view, batch) == []
    assert await totals(connection) == {
        "store": (2, {"purchase.completed": 2}),
        "web": (1, {"purchase.completed": 1}),
    }


async def test_an_event_that_fails_on_a_row_another_worker_adds_first_changes_none_of_its_rows(
    connection: asyncpg.Connection, database_url: str
) -> None:
    def choosy(one: Row, other: Row) -> Row:
        if one["touches"] + other["touches"] > 2:
            raise OverflowError("no more than two")
        return combine(one, other)

    assert isinstance(TOUCH_COUNTS.kind, Mergeable)
    combine = TOUCH_COUNTS.kind.combine
    kind = replace(TOUCH_COUNTS.kind, combine=choosy)
    view = LiveView.of(TOUCH_COUNTS, 1)._replace(read_model=replace(TOUCH_COUNTS, kind=kind))
    log = MemoryLog(partitions=1)
    await append(log, [purchase(1), purchase(2, "M2", channel="web")])
    batch = await prepare(log.records(), decode, [view])
    [failure] = await update_beside(connection, database_url, view, batch)
    assert (failure.contribution.event.id, type(failure.error)) == ("purchase-2", OverflowError)
    rows = await connection.fetch("select what, name, touches from live.touch_counts order by what, name")
    assert [tuple(row) for row in rows] == [("channel", "store", 2), ("type", "purchase.completed", 2)]


async def test_a_row_that_holds_already_what_a_batch_adds_waits_for_nobody(
    connection: asyncpg.Connection, database_url: str
) -> None:
    view = LiveView.of(IDENTITY_PAIRS, 1)
    pair = [("member", "M1"), ("device", "kiosk")]
    log = MemoryLog(partitions=1)
    await append(log, [seen(2, *pair), seen(3, *pair), seen(1, *pair)])
    given = contributions_to(0, (await prepare(log.records(), decode, [view])).entries)
    assert await update_view(connection, view, given[:1]) == []
    other = await asyncpg.connect(database_url)
    async with other.transaction(), connection.transaction():
        await other.execute("select from live.identity_pairs for update")
        await connection.execute("set local lock_timeout = '20ms'")
        assert await update_view(connection, view, given[1:2]) == []
        with pytest.raises(asyncpg.LockNotAvailableError):  # the row is to name e1, which comes before e2
            async with connection.transaction():
                await update_view(connection, view, given)
    await other.close()
