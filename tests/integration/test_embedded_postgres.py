"""The embedded PostgreSQL outlives kills, of itself and of its supervisor, with its data."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from services.ops.database import kept_running
from services.ops.embedded_postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
async def directory(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """A cluster that the tests of this file share, in a path that needs quoting everywhere."""
    place = tmp_path_factory.mktemp("data") / "it's a, long way" / ("x" * 60) / "postgres"
    server = EmbeddedPostgres(place)
    await server.start()
    await execute(server, "create table kept (what text)")
    yield place
    await server.stop()


async def execute(server: EmbeddedPostgres, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(server.url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


def pid_of(directory: Path) -> int:
    return int((directory / "cluster" / "postmaster.pid").read_text().split("\n")[0])


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while Path(f"/proc/{pid}/cwd").exists():
            await asyncio.sleep(0.05)


async def test_a_server_that_outlived_its_supervisor_is_taken_over(directory: Path) -> None:
    await EmbeddedPostgres(directory).start()
    before = pid_of(directory)

    successor = EmbeddedPostgres(directory)
    await successor.start()

    assert pid_of(directory) == before
    assert await execute(successor, "select 1 from kept") == []


async def test_a_stopped_server_starts_again_with_its_data(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    await server.start()
    await execute(server, "insert into kept values ('stopped')")

    await server.stop()
    await server.stop()
    assert not server.is_running()
    await server.start()

    assert await execute(server, "select 1 from kept where what = 'stopped'")


async def test_a_killed_server_starts_again_with_its_data(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    await server.start()
    await execute(server, "insert into kept values ('killed')")

    os.kill(pid_of(directory), signal.SIGKILL)
    await until_gone(pid_of(directory))
    await server.start()

    assert await execute(server, "select 1 from kept where what = 'killed'")


async def test_a_dead_servers_pid_that_another_process_has_now_stands_in_nobodys_way(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    await server.start()
    old = (directory / "cluster" / "postmaster.pid").read_text()
    await server.stop()
    _, _, rest = old.partition("\n")
    (directory / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n{rest}")

    assert not server.is_running()
    await server.start()

    assert pid_of(directory) != os.getpid()


async def test_a_server_that_goes_down_by_itself_is_started_again(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    told: list[str] = []
    async with kept_running(server, told.append):
        before = pid_of(directory)

        os.kill(before, signal.SIGKILL)
        async with asyncio.timeout(30):
            while not any("is back" in notice for notice in told):
                await asyncio.sleep(0.05)

        assert pid_of(directory) != before
        assert await execute(server, "select 1") != []
    assert not server.is_running()
