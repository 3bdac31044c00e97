"""Workers that are killed or frozen in mid-batch, and the ones that take over."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.databases import empty_views
from tests.projecting import end_of, event_ids, eventually, leases, projection, reached, worker
from tests.worker_process import shared_log

EVENTS = 200


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def worker_process(
    project_root: Path, database_url: str, expiry_seconds: float
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.worker_process", database_url, str(EVENTS), str(expiry_seconds),
        cwd=project_root, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def writing_blocked(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """No worker can write to the timeline meanwhile: it stands in mid-transaction, holding its partitions."""
    blocker = await asyncpg.connect(database_url)
    async with blocker.transaction():
        await blocker.execute("lock table timeline_g1.timeline in share mode")
        yield blocker
    await blocker.close()


async def blocked_worker(connection: asyncpg.Connection) -> str | None:
    """The worker that waits for the blocked table, if any."""
    name: str | None = await connection.fetchval(
        "select application_name from pg_stat_activity where wait_event_type = 'Lock' and query like 'COPY%'"
    )
    return name and name.removeprefix("rapport-worker-")


async def all_once(connection: asyncpg.Connection) -> None:
    assert await event_ids(connection) == sorted(f"purchase-{number}" for number in range(EVENTS))


async def test_a_worker_killed_in_mid_batch_is_replaced_and_everything_is_there_once(
    connection: asyncpg.Connection, database_url: str, project_root: Path
) -> None:
    log = await shared_log(EVENTS)
    async with worker_process(project_root, database_url, 10) as process:
        async with writing_blocked(database_url):
            killed = await eventually(lambda: blocked_worker(connection))
            process.kill()
            await process.wait()
            replacement = worker(projection(database_url, log))
            await replacement.__aenter__()

            async def taken_over() -> bool:
                held = await leases(connection)
                return killed not in held and list(held.values()) == [4]

            await eventually(taken_over, within_seconds=5)
        await reached(connection, end_of(log))
        await replacement.__aexit__(None, None, None)
    await all_once(connection)


async def test_a_frozen_worker_loses_its_partitions_and_writes_nothing_on_its_return(
    connection: asyncpg.Connection, database_url: str, project_root: Path
) -> None:
    log = await shared_log(EVENTS)
    async with worker_process(project_root, database_url, 1.0) as process:
        async with writing_blocked(database_url):
            frozen = await eventually(lambda: blocked_worker(connection))
            os.kill(process.pid, signal.SIGSTOP)
            replacement = worker(projection(database_url, log))
            await replacement.__aenter__()

            async def expelled() -> bool:
                return frozen not in await leases(connection)

            await eventually(expelled)
        await reached(connection, end_of(log))
        written = await connection.fetch(
            "select xmin::text, log_offset from timeline_g1.timeline order by 1, 2"
        )
        os.kill(process.pid, signal.SIGCONT)

        async def rejoined() -> bool:
            return sorted((await leases(connection)).values()) == [2, 2]

        await eventually(rejoined)
        assert frozen not in await leases(connection)
        assert (
            await connection.fetch("select xmin::text, log_offset from timeline_g1.timeline order by 1, 2")
            == written
        )
        await replacement.__aexit__(None, None, None)
    await all_once(connection)
