"""API processes of one deployment share what they see of lag, through the table in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import asyncpg
import pytest

from services.api.database import Database, open_database
from services.api.operations.lag_look import LagLook
from services.api.operations.lag_samples import LagSamples
from services.api.operations.sample import STEPS, Sample, ViewLag
from services.api.operations.sample_table import KEPT, SampleTable
from shared.clock import system_clock
from tests.api_reader import migrated_reader
from tests.databases import with_database
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, purchase

ONE, SHORT = timedelta(days=36_500), timedelta(milliseconds=50)
"""A slot that no test sees the end of, and one of which it sees several."""
SINCE = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def url(postgres_server: str) -> AsyncIterator[str]:
    """A database of this module's own, whose views have the first purchase of every log."""
    server = await asyncpg.connect(postgres_server)
    await server.execute("create database lag_samples")
    url = with_database(postgres_server, "lag_samples")
    async with migrated_reader(url) as made:
        await made.given(purchase(0))
    yield url
    await server.execute("drop database lag_samples with (force)")
    await server.close()


@pytest.fixture
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(url)
    await opened.execute("truncate control.lag_samples")
    yield opened
    await opened.close()


@pytest.fixture
async def shared(connection: asyncpg.Connection, url: str) -> AsyncIterator["Shared"]:
    assert not connection.is_closed()
    async with open_database(url, timeout_seconds=5, connections=4, most_reads=10) as database:
        yield Shared(database, url)


class Shared(NamedTuple):
    """What processes of a deployment share."""

    database: Database
    url: str

    def table(self, slot: timedelta = ONE) -> SampleTable:
        return SampleTable(self.database, lambda: asyncpg.connect(self.url), slot)

    def process(self, log: MemoryLog, slot: timedelta = ONE) -> LagSamples:
        return LagSamples(
            self.table(slot), LagLook(self.database, log, system_clock), system_clock, pause_seconds=0.01
        )


async def waiting(count: int) -> MemoryLog:
    """A log whose newest events no view has."""
    log = MemoryLog()
    await append(log, [purchase(number) for number in range(count + 1)])
    return log


async def rows(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await connection.fetch("select * from control.lag_samples order by slot")
    return found


async def test_processes_that_look_at_once_write_one_row_and_know_the_same(
    connection: asyncpg.Connection, shared: Shared
) -> None:
    log = await waiting(5)
    processes = [shared.process(log) for _ in range(3)]
    await asyncio.gather(*(each.follow() for each in processes))
    await asyncio.gather(*(each.follow() for each in processes))
    assert len(await rows(connection)) == 1
    for each in processes:
        assert each.now().views["timeline"].events == 5
        assert each.now().head == processes[0].now().head
        assert [step.events for step in each.steps("timeline")] == [*[None] * (STEPS - 1), 5]


async def test_sampling_goes_on_when_a_process_ends_and_one_that_begins_knows_what_was(
    connection: asyncpg.Connection, shared: Shared
) -> None:
    log = await waiting(2)
    ended, left = shared.process(log, SHORT), shared.process(log, SHORT)
    await ended.follow()
    before = len(await rows(connection))
    while len(await rows(connection)) < before + 3:
        await left.follow()
    begun = shared.process(await waiting(0), SHORT)
    await begun.follow()
    assert begun.steps("timeline")[-1].events == 2


async def test_a_row_that_did_not_reach_the_log_gives_way_to_one_that_did(
    connection: asyncpg.Connection, shared: Shared
) -> None:
    gone = MemoryLog()
    gone.go_away()
    blind, seeing = shared.process(gone), shared.process(await waiting(4))
    await blind.follow()
    assert (await rows(connection))[0]["log_error"]
    assert blind.now().views["timeline"].events is None
    await seeing.follow()
    await blind.follow()
    assert [each["log_error"] for each in await rows(connection)] == [None]
    assert blind.now().views["timeline"].events == 4


async def test_rows_of_before_a_quarter_of_an_hour_are_deleted_by_the_next_that_is_written(
    connection: asyncpg.Connection, shared: Shared
) -> None:
    await connection.execute(
        "insert into control.lag_samples "
        "select now() - n * interval '5 s', now() - $1::interval - n * interval '5 s', '{}', null, '{}' "
        "from generate_series(1, 1000) n",
        KEPT,
    )
    await shared.process(await waiting(1), SHORT).follow()
    assert len(await rows(connection)) == 1


async def test_a_sample_is_as_old_as_the_database_says_whatever_ones_own_clock_shows(
    connection: asyncpg.Connection, shared: Shared
) -> None:
    table, slow = shared.table(), system_clock() - timedelta(days=3)
    await table.add(Sample(system_clock(), {0: 7}, None, {"timeline": ViewLag(3, None, 4)}))
    [row] = (await table.since(SINCE, slow)).rows
    assert timedelta() <= slow - row.sample.at < timedelta(minutes=1)
    assert (row.sample.head, row.sample.views) == ({0: 7}, {"timeline": ViewLag(3, None, 4)})
    await connection.execute("update control.lag_samples set taken_at = now() - interval '5 min'")
    [row] = (await table.since(SINCE, slow)).rows
    assert timedelta(minutes=5) <= slow - row.sample.at < timedelta(minutes=6)
