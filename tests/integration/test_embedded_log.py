"""The embedded log against a PostgreSQL that restarts, turns read-only, or holds on to a dead writer's lock."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from services.ops.embedded_postgres import EmbeddedPostgres
from shared.log.append_buffer import AppendBounds
from shared.log.embedded import EmbeddedLog
from shared.log.embedded_connection import connect
from shared.log.port import Appended, LogTruncatedError, LogUnavailableError, NewRecord
from shared.metrics import Metrics
from tests.contract.logs_under_test import make_embedded_tables
from tests.integration.append_load import AppendLoad, assert_kept, everything_in

LONGEST_APPEND_SECONDS = 5


def log_in(url: str) -> EmbeddedLog:
    return EmbeddedLog(url, Metrics(CollectorRegistry()))


@pytest.fixture
async def own_postgres(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of this test's own, with the log's tables in it."""
    server = EmbeddedPostgres(tmp_path / "postgres")
    await server.start()
    await make_embedded_tables(server.url)
    yield server
    await server.stop()


@pytest.fixture
async def log_url(database_url: str) -> str:
    await make_embedded_tables(database_url)
    return database_url


async def test_a_server_restarted_under_load_loses_and_doubles_nothing_acknowledged(
    own_postgres: EmbeddedPostgres,
) -> None:
    log = log_in(own_postgres.url)
    async with log.writer() as writer:
        load = AppendLoad(writer)
        load.start()
        await load.acknowledgements(500, 20)
        await own_postgres.stop()
        await own_postgres.start()
        await load.acknowledgements(500, 20)
        await load.stop()
    assert load.longest_seconds < LONGEST_APPEND_SECONDS
    assert_kept(load, await everything_in(log))


async def test_a_read_only_server_is_not_writable_and_is_written_again_afterwards(
    own_postgres: EmbeddedPostgres,
) -> None:
    async with log_in(own_postgres.url).writer() as writer, asyncio.timeout(30):
        assert isinstance((await writer.append([NewRecord(b"key", b"1")]))[0], Appended)
        await become(own_postgres, "on")
        with pytest.raises(LogUnavailableError, match="takes no writes"):
            await writer.check_writable()
        waiting = asyncio.create_task(writer.append([NewRecord(b"key", b"2")]))
        [outcome] = await waiting
        assert isinstance(outcome, LogUnavailableError)
        assert not outcome.maybe_written
        await become(own_postgres, "off")
        await writer.check_writable()
        assert isinstance((await writer.append([NewRecord(b"key", b"3")]))[0], Appended)


async def become(server: EmbeddedPostgres, read_only: str) -> None:
    connection = await asyncpg.connect(server.url)
    # As a failover would: sessions that were open before find themselves on a read-only server.
    await connection.execute(f"alter system set default_transaction_read_only = {read_only}")
    await connection.execute("select pg_reload_conf()")
    await connection.close()


async def test_a_writer_that_died_in_a_transaction_blocks_the_others_for_a_moment_only(log_url: str) -> None:
    dead = await connect(log_url, 2.0)
    await dead.execute("begin")
    await dead.fetch("select * from log.partitions for update")
    async with log_in(log_url).writer() as writer:
        started = time.monotonic()
        outcomes = [await writer.append([NewRecord(b"key", b"value")]) for _ in range(2)]
        assert time.monotonic() - started < 2 * LONGEST_APPEND_SECONDS
    assert isinstance(outcomes[-1][0], Appended)
    dead.terminate()


async def test_a_database_without_the_tables_says_how_to_make_them(database_url: str) -> None:
    log = EmbeddedLog(database_url, Metrics(CollectorRegistry()), bounds=AppendBounds(timeout_seconds=0.5))
    async with log.writer() as writer, log.reader() as reader:
        [outcome] = await writer.append([NewRecord(b"key", b"value")])
        assert isinstance(outcome, LogUnavailableError)
        assert "rapport migrate" in outcome.reason
        with pytest.raises(LogUnavailableError, match="rapport migrate"):
            await reader.identity()


async def test_a_record_missing_in_the_middle_is_named_not_skipped(log_url: str) -> None:
    log = log_in(log_url)
    async with log.writer() as writer, log.reader() as reader:
        outcomes = await writer.append([NewRecord(b"key", b"value")] * 3)
        place = outcomes[1]
        assert isinstance(place, Appended)
        connection = await asyncpg.connect(log_url)
        await connection.execute("delete from log.records where log_offset = 1")
        await connection.close()
        await reader.seek({place.partition: 0})
        with pytest.raises(LogTruncatedError) as raised:
            await reader.poll(10, 0.5)
    assert raised.value.position == 1


async def test_a_lost_notification_delays_a_reader_but_hides_nothing(log_url: str) -> None:
    log = log_in(log_url)
    async with log.writer() as writer, log.reader() as reader:
        await reader.seek(dict.fromkeys(range(4), 0))
        polling = asyncio.create_task(reader.poll(10, 10))
        connection = await asyncpg.connect(log_url)
        await connection.execute(
            "insert into log.records values (0, 0, 'key', 'value');"
            "update log.partitions set next_offset = 1 where partition = 0"
        )
        await connection.close()
        [found] = await polling
        await writer.check_writable()
    assert found.value == b"value"


async def copying(connection: asyncpg.Connection) -> set[int]:
    """The process ids of sessions that wait in the middle of a COPY into the log.

    Not to be asked within a transaction, which goes on seeing the sessions it saw first.
    """
    rows = await connection.fetch(
        "select pid from pg_stat_activity "
        "where datname = current_database() and query ilike 'copy%records%' and wait_event_type = 'Lock'"
    )
    return {row["pid"] for row in rows}


async def test_an_append_that_failed_half_way_leaves_no_gap(log_url: str) -> None:
    log = log_in(log_url)
    blocker, watching = [await asyncpg.connect(log_url) for _ in range(2)]
    async with log.writer() as writer, asyncio.timeout(60):
        assert isinstance((await writer.append([NewRecord(b"key", b"first")]))[0], Appended)
        await blocker.execute("begin; lock table log.records in share mode")
        appending = asyncio.create_task(writer.append([NewRecord(b"key", b"second")]))
        while not (half_way := await copying(watching)):
            if appending.done():  # on a busy machine its time may be over before it has come so far
                appending = asyncio.create_task(writer.append([NewRecord(b"key", b"second")]))
            await asyncio.sleep(0.02)
        while half_way & await copying(watching):
            await asyncio.sleep(0.02)
        await blocker.execute("rollback")
        await appending
        assert isinstance((await writer.append([NewRecord(b"key", b"third")]))[0], Appended)
    await blocker.close()
    await watching.close()
    offsets = [record.offset for record in await everything_in(log)]
    assert offsets == list(range(len(offsets)))
    assert len(offsets) >= 2
