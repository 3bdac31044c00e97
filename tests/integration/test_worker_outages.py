"""PostgreSQL or the log going away and coming back, and logs that are not the one the positions belong to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from services.ops.embedded_postgres import EmbeddedPostgres
from services.projections.engine.live_set import ProgramOutdatedError
from services.projections.engine.log_identity import LogReplacedError, PositionNotInLogError
from services.projections.engine.worker import run_worker
from services.projections.migrate import migrate
from shared.log.embedded import EmbeddedLog
from shared.log.port import LogReader
from shared.metrics import Metrics
from tests.contract.logs_under_test import postgres_proxy_target, through
from tests.databases import empty_views
from tests.fakes.memory_log import MemoryLog
from tests.fakes.tcp_proxy import tcp_proxy
from tests.projecting import append, end_of, event_ids, eventually, projection, purchase, reached, worker


@pytest.fixture
async def connection(database_url: str) -> Any:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def stopped_by(database_url: str, log: MemoryLog) -> None:
    """Runs a worker that is expected to stop by itself."""
    await asyncio.wait_for(run_worker(projection(database_url, log), asyncio.Event()), 15)


async def projected(connection: asyncpg.Connection, database_url: str, log: MemoryLog, *numbers: int) -> None:
    await append(log, [purchase(number) for number in numbers])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))


async def test_a_worker_waits_for_the_log_and_goes_on_when_it_is_back(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    log.go_away()
    running = projection(database_url, log)

    async def tried() -> bool:
        return bool(running.metrics.projection_restarts.labels(error="LogUnavailableError")._value.get() > 1)

    async with worker(running):
        await eventually(tried)
        log.come_back()
        await append(log, [purchase(1)])
        await reached(connection, end_of(log))
        log.go_away()
        running.metrics.projection_restarts.clear()
        await eventually(tried)
        log.come_back()
        await append(log, [purchase(2)])
        await reached(connection, end_of(log))
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]


class _LetsGoOfACancellation(MemoryLog):
    """A log whose first reader ends as a library does that cancels itself."""

    def __init__(self) -> None:
        super().__init__()
        self._let_go = False

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[LogReader]:
        async with super().reader() as reader:
            if not self._let_go:
                self._let_go = True
                raise asyncio.CancelledError
            yield reader


async def test_a_cancellation_that_nobody_asked_for_does_not_end_a_worker(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = _LetsGoOfACancellation()
    await append(log, [purchase(1)])
    running = projection(database_url, log)
    async with worker(running):
        await reached(connection, end_of(log))
    restarts = running.metrics.projection_restarts.labels(error="StrayCancellationError")
    assert restarts._value.get() == 1


async def test_a_worker_survives_postgresql_stopping_and_starting(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    await server.start()
    try:
        await migrate(server.url, partitions=4)
        log = MemoryLog()
        running = projection(server.url, log)

        async def tried() -> bool:
            return bool(next(iter(running.metrics.projection_restarts.collect())).samples)

        async with worker(running):
            before = await append(log, [purchase(1)])
            connection = await asyncpg.connect(server.url)
            await reached(connection, before)
            await connection.close()
            await server.stop()
            await append(log, [purchase(1), purchase(2)])
            await eventually(tried)
            await server.start()
            connection = await asyncpg.connect(server.url)
            await reached(connection, end_of(log))
            assert await event_ids(connection) == ["purchase-1", "purchase-2"]
            await connection.close()
    finally:
        await server.stop()


async def test_a_worker_on_the_embedded_log_survives_postgresql_stopping_and_starting(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    await server.start()
    try:
        await migrate(server.url, partitions=4)
        log = EmbeddedLog(server.url, Metrics(CollectorRegistry()))
        seen: list[list[str]] = []
        async with worker(projection(server.url, log)):
            for numbers in ([1, 2], [2, 3]):
                position = await append(log, [purchase(number) for number in numbers])
                connection = await asyncpg.connect(server.url)
                await reached(connection, position)
                seen.append(await event_ids(connection))
                await connection.close()
                await server.stop()
                await server.start()
        assert seen == [["purchase-1", "purchase-2"], ["purchase-1", "purchase-2", "purchase-3"]]
    finally:
        await server.stop()


async def test_a_worker_goes_on_after_its_connections_to_postgresql_fell_silent(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    async with tcp_proxy(postgres_proxy_target(database_url)) as proxy:
        running = projection(through(proxy, database_url), log, database_timeout_seconds=0.5)

        async def tried() -> bool:
            return bool(next(iter(running.metrics.projection_restarts.collect())).samples)

        async with worker(running):
            await append(log, [purchase(1)])
            await reached(connection, end_of(log))
            proxy.black_hole()
            await append(log, [purchase(2)])
            await eventually(tried)
            proxy.heal()
            await reached(connection, end_of(log))
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]


async def test_a_worker_goes_on_after_its_connection_was_closed_between_preparing_and_executing(
    connection: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MemoryLog()
    await append(log, [purchase(1)])
    prepare_statement = asyncpg.Connection._get_statement  # type: ignore[attr-defined]
    sessions: list[asyncpg.Connection] = []

    async def begun(session: asyncpg.Connection) -> None:
        sessions.append(session)
        await session.fetchval("select 1")

    async def prepared_and_closed(session: asyncpg.Connection, *given: Any, **named: Any) -> Any:
        statement = await prepare_statement(session, *given, **named)
        if sessions == [session]:
            session.terminate()
        return statement

    monkeypatch.setattr(asyncpg.Connection, "_get_statement", prepared_and_closed)
    async with worker(projection(database_url, log, prepare=begun)):
        await reached(connection, end_of(log))

    assert len(sessions) > 1


async def test_a_worker_waits_for_the_migration(database_url: str) -> None:
    log = MemoryLog()
    await append(log, [purchase(1)])
    running = projection(database_url, log)

    async def tried() -> bool:
        return bool(running.metrics.projection_restarts.labels(error="UndefinedTableError")._value.get() > 0)

    async with worker(running):
        await eventually(tried)
        await migrate(database_url, partitions=4)
        connection = await asyncpg.connect(database_url)
        await reached(connection, end_of(log))
        await connection.close()


async def test_a_deadlock_is_waited_out(connection: asyncpg.Connection, database_url: str) -> None:
    log = MemoryLog(partitions=1)
    await projected(connection, database_url, log, 1)
    blocker = await asyncpg.connect(database_url)
    await blocker.execute("set deadlock_timeout = '1h'")  # so that the worker is the one to be sacrificed

    async def writing() -> bool:
        return bool(
            await connection.fetchval(
                "select true from pg_stat_activity where wait_event_type = 'Lock' and query like 'COPY%'"
            )
        )

    async with worker(projection(database_url, log)):
        async with blocker.transaction():
            await blocker.execute("lock table timeline_g1.timeline in share mode")
            await append(log, [purchase(2)])
            await eventually(writing)
            await blocker.execute("select from control.positions for update")
        await reached(connection, end_of(log))
    await blocker.close()
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]


async def test_a_log_made_anew_stops_the_worker(connection: asyncpg.Connection, database_url: str) -> None:
    log = MemoryLog()
    await projected(connection, database_url, log, 1, 2)
    log.recreate()
    await append(log, [purchase(number) for number in range(10)])
    with pytest.raises(LogReplacedError, match=r"deleted and made again.*No event was skipped"):
        await stopped_by(database_url, log)
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]


async def test_a_log_made_anew_under_a_running_worker_stops_it(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    position = await append(log, [purchase(1), purchase(2)])
    running = asyncio.create_task(stopped_by(database_url, log))
    await reached(connection, position)
    log.recreate()
    with pytest.raises(LogReplacedError):
        await running
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]


async def test_another_number_of_partitions_stops_the_worker(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=4)
    await projected(connection, database_url, log, 1)
    other = MemoryLog(partitions=5)
    other.log_id = log.log_id
    with pytest.raises(LogReplacedError, match="has 5 partitions, but had 4"):
        await stopped_by(database_url, other)


async def test_records_lost_before_the_position_was_reached_stop_the_worker(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=1)
    await projected(connection, database_url, log, 1)
    await append(log, [purchase(2), purchase(3)])
    log.truncate_before(0, 2)
    with pytest.raises(
        PositionNotInLogError, match=r"partition 0 holds offsets 2 to 2, but the next one wanted is 1"
    ):
        await stopped_by(database_url, log)
    assert await event_ids(connection) == ["purchase-1"]


async def test_a_log_that_ends_before_the_position_stops_the_worker(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=1)
    await projected(connection, database_url, log, 1, 2)
    shorter = MemoryLog(partitions=1)
    shorter.log_id = log.log_id
    await append(shorter, [purchase(1)])
    with pytest.raises(PositionNotInLogError, match="the next one wanted is 2"):
        await stopped_by(database_url, shorter)


async def test_records_replaced_behind_the_position_stop_the_worker(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=1)
    await projected(connection, database_url, log, 1, 2)
    replaced = MemoryLog(partitions=1)
    replaced.log_id = log.log_id
    await append(replaced, [purchase(1), purchase(7), purchase(8)])
    with pytest.raises(LogReplacedError, match="another record at offset 1"):
        await stopped_by(database_url, replaced)
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]


async def test_retention_up_to_the_position_is_no_loss(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=1)
    await projected(connection, database_url, log, 1, 2)
    log.truncate_before(0, 2)
    await projected(connection, database_url, log, 3)
    assert await event_ids(connection) == ["purchase-1", "purchase-2", "purchase-3"]


async def test_a_live_view_of_a_newer_version_stops_the_worker(
    connection: asyncpg.Connection, database_url: str
) -> None:
    await connection.execute("update control.generations set version = 9")
    with pytest.raises(ProgramOutdatedError, match="start the newer program"):
        await stopped_by(database_url, MemoryLog())
