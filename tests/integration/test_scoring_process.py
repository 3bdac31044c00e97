"""The child in which `rapport up` makes its runs: it makes one, says how that ended, and ends with what started it."""

import asyncio
from contextlib import suppress

import asyncpg
import psutil
import pytest
from prometheus_client import CollectorRegistry

from services.ops.scoring_process import ScoringProcess
from shared.log.choose import event_log
from shared.metrics import Metrics
from tests.api_reader import settings
from tests.databases import empty_views
from tests.projecting import eventually


async def test_a_child_makes_a_run_of_what_there_is_and_records_it(
    database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    await empty_views(database_url, partitions=2)
    ended = await ScoringProcess(settings(database_url)).run()
    assert (ended.failure, ended.customers) == (None, 0)
    assert capfd.readouterr().err == ""
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select count(*) from live.scores") == 0
    await connection.close()
    async with event_log(settings(database_url), Metrics(CollectorRegistry())).reader() as reader:
        partitions = (await reader.identity()).partitions
        await reader.seek(dict.fromkeys(range(partitions), 0))
        [record] = await reader.poll(10, 5.0)
    assert record.value is not None
    assert ended.run_id.encode() in record.value


async def test_a_run_that_cannot_be_made_says_why(free_port: int) -> None:
    ended = await ScoringProcess(settings(f"postgresql://127.0.0.1:{free_port}/nothing")).run()
    assert ended.run_id == ""
    assert ended.failure is not None
    assert "PostgreSQL" in ended.failure


async def test_a_run_that_is_given_up_leaves_no_child(database_url: str) -> None:
    await empty_views(database_url, partitions=2)

    def children() -> list[psutil.Process]:
        found = []
        for each in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found += [each] if "services.ops.scoring" in each.cmdline() else []
        return found

    running = asyncio.create_task(ScoringProcess(settings(database_url)).run())

    async def begun() -> bool:
        return bool(children())

    await eventually(begun)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert children() == []
