"""How workers share partitions: evenly, gracefully, and never two on one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.engine.application import FencedError, apply_batch
from services.projections.engine.batch import prepare
from services.projections.engine.leases import APPLICATION_NAME, Place, beat, leave, share_of, share_out
from services.projections.engine.live_set import load_live_set
from services.projections.engine.worker import run_worker
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import (
    append,
    decode,
    end_of,
    event_ids,
    eventually,
    leases,
    projection,
    purchase,
    reached,
    worker,
)
from tests.suspensions import stepping


@pytest.fixture
async def connection(database_url: str) -> Any:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def beat_frozen(connection: asyncpg.Connection) -> None:
    await beat(connection, "frozen", 1)


async def share_out_frozen(connection: asyncpg.Connection) -> None:
    await share_out(connection, "frozen")


@asynccontextmanager
async def frozen_alone(
    connection: asyncpg.Connection, database_url: str, does: Callable[[asyncpg.Connection], Any]
) -> AsyncIterator[None]:
    """A registered worker stands still meanwhile, in the middle of what only one worker does at a time.

    On its return it finds that its session was ended.
    """
    name = {"application_name": APPLICATION_NAME.format("frozen")}
    beating = await asyncpg.connect(database_url, server_settings=name)
    acting = await asyncpg.connect(database_url, server_settings=name)
    await beat(beating, "frozen", 1)
    still, returns = asyncio.Event(), asyncio.Event()

    async def at(_: int) -> None:
        if not still.is_set() and await connection.fetchval(_IS_ALONE, acting.get_server_pid()):
            still.set()
            await returns.wait()

    acts = asyncio.create_task(stepping(does(acting), at))
    await still.wait()
    yield
    returns.set()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await acts
    for each in (beating, acting):
        each.terminate()


_IS_ALONE = "select exists (select from pg_locks where pid = $1 and locktype = 'advisory' and granted)"


@given(st.sets(st.text(max_size=4), min_size=1), st.integers(0, 100))
def test_shares_add_up_and_differ_by_one_at_most(workers: set[str], partitions: int) -> None:
    shares = [share_of(worker, list(workers), partitions) for worker in workers]
    assert sum(shares) == partitions
    assert max(shares) - min(shares) <= 1


async def test_workers_come_and_go_and_partitions_are_always_shared_evenly(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=4)
    sent = 0

    async def shared(expected: list[int]) -> None:
        nonlocal sent

        async def so() -> bool:
            return sorted((await leases(connection)).values()) == expected

        await append(log, [purchase(number, f"M{number}") for number in range(sent, sent + 20)])
        sent += 20
        await eventually(so)
        await append(log, [purchase(number, f"M{number}") for number in range(sent, sent + 20)])
        sent += 20
        await reached(connection, end_of(log))

    def another() -> Any:
        return worker(projection(database_url, log, batch_events=3))

    async with AsyncExitStack() as first:
        await first.enter_async_context(another())
        await shared([4])
        async with AsyncExitStack() as others:
            await others.enter_async_context(another())
            await shared([2, 2])
            await others.enter_async_context(another())
            await shared([1, 1, 2])
        await shared([4])
    assert await leases(connection) == {}
    assert await event_ids(connection) == sorted(f"purchase-{number}" for number in range(sent))


async def test_more_workers_than_partitions_leave_some_waiting(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=1)

    async def one_waits() -> bool:
        return sorted((await leases(connection)).values()) == [0, 1]

    async with worker(projection(database_url, log)), worker(projection(database_url, log)):
        await eventually(one_waits)
        await append(log, [purchase(1)])
        await reached(connection, end_of(log))


async def test_a_worker_told_to_stop_finishes_its_batch_and_gives_its_partitions_back(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=1)
    await append(log, [purchase(number) for number in range(5)])
    stop = asyncio.Event()

    async def writing() -> bool:
        return bool(await connection.fetchval("select true from pg_stat_activity where query like 'COPY%'"))

    blocker = await asyncpg.connect(database_url)
    async with blocker.transaction():
        await blocker.execute("lock table timeline_g1.timeline in share mode")
        running = asyncio.create_task(run_worker(projection(database_url, log), stop))
        await eventually(writing)
        stop.set()
    await asyncio.wait_for(running, 10)
    await blocker.close()
    assert len(await event_ids(connection)) == 5
    assert await leases(connection) == {}


async def test_a_batch_prepared_before_a_takeover_is_fenced_and_writes_nothing(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=1)
    await append(log, [purchase(1)])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    await append(log, [purchase(2)])
    live = await load_live_set(connection, READ_MODELS)
    entries = await prepare(log.records()[1:], decode, live.views)
    await beat(connection, "first", 10)
    before = await share_out(connection, "first")
    await leave(connection, "first")
    await beat(connection, "second", 10)
    assert await share_out(connection, "second") == {0: Place(1, before[0].epoch + 1)}
    with pytest.raises(FencedError, match="taken over"):
        await apply_batch(connection, live, entries, before)
    assert await event_ids(connection) == ["purchase-1"]


async def test_a_worker_whose_heartbeats_stopped_gets_no_partitions(
    connection: asyncpg.Connection, database_url: str
) -> None:
    async with worker(projection(database_url, MemoryLog())):
        pass
    assert await share_out(connection, "unregistered") == {}


@pytest.mark.parametrize("does", [beat_frozen, share_out_frozen])
async def test_a_worker_frozen_while_all_others_wait_for_it_is_expelled_like_any_other(
    connection: asyncpg.Connection, database_url: str, does: Any
) -> None:
    log = MemoryLog(partitions=4)
    await append(log, [purchase(number, f"M{number}") for number in range(20)])
    async with frozen_alone(connection, database_url, does), worker(projection(database_url, log)):
        await reached(connection, end_of(log), within_seconds=15)
    assert "frozen" not in await leases(connection)
