"""Breached clocks are escalated once, however many schedulers and rebuilds there are, and whatever is away (C7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.escalation.breached_cases import breached_cases
from services.escalation.escalator import EscalationFailedError, Escalator
from services.projections.engine.rebuild import rebuild
from services.projections.registered_policies import register_policies
from shared.events.complaint import ComplaintEscalated
from shared.log.port import LogWriter
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.escalating import ALWAYS_OPEN, COMPLAINTS, OPENED, escalator, happened, opened, posted
from tests.fakes.memory_log import MemoryLog
from tests.fakes.tcp_proxy import tcp_proxy
from tests.integration.test_api_outages import by_tcp, target_of
from tests.projecting import append, decode, end_of, eventually, projection, reached, worker
from tests.rebuilding import rebuilding
from tests.redeeming import Hand

PARTITIONS = 3
FIRST, SECOND = "sla:C-1:first_response:1", "sla:C-1:resolution:1"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=PARTITIONS)
    connection = await asyncpg.connect(database_url)
    await register_policies(connection, ALWAYS_OPEN)
    yield connection
    await connection.close()


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(partitions=PARTITIONS)


@pytest.fixture
async def writer(log: MemoryLog) -> AsyncIterator[LogWriter]:
    async with log.writer() as opened_writer:
        yield opened_writer


@pytest.fixture
def clock() -> Hand:
    return Hand(OPENED)


async def seen(connection: asyncpg.Connection, database_url: str, log: MemoryLog, *events: Any) -> None:
    """Appends events and waits until the views show all that the log holds; then nothing projects."""
    await append(log, events)
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))


async def history(connection: asyncpg.Connection) -> list[tuple[str, str, str]]:
    """Every escalation that took effect: complaint, event id, and the level after it."""
    rows = await connection.fetch(
        "select complaint_id, event_id, level_after from live.complaint_entries "
        "where type = 'complaint.escalated' and anomaly is null order by complaint_id, number"
    )
    return [tuple(row) for row in rows]


async def level(connection: asyncpg.Connection, complaint_id: str = "C-1") -> str | None:
    found: str | None = await connection.fetchval(
        "select level from live.complaints where complaint_id = $1 and part = 0", complaint_id
    )
    return found


@asynccontextmanager
async def running(scheduler: Escalator) -> AsyncIterator[None]:
    """A scheduler that looks without pause meanwhile."""
    stop = asyncio.Event()
    task = asyncio.create_task(scheduler.run(stop, look_seconds=0.01))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def test_c7_a_complaint_rises_one_level_for_each_breached_clock_and_no_higher_than_headquarters(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog, writer: LogWriter, clock: Hand
) -> None:
    await seen(connection, database_url, log, opened("C-1"))
    scheduler, _ = escalator(database_url, writer, clock)
    assert await scheduler.look() == 0
    clock.move(hours=1)
    assert await scheduler.look() == 0, "due is not breached"
    clock.move(hours=0.5)
    assert await scheduler.look() == 1
    await seen(connection, database_url, log)
    assert await level(connection) == "province"
    assert await scheduler.look() == 0
    clock.move(days=80)
    assert await scheduler.look() == 1
    await seen(connection, database_url, log)
    assert await scheduler.look() == 0
    assert await history(connection) == [("C-1", FIRST, "province"), ("C-1", SECOND, "headquarters")]
    event = next(event for event in map(decode, log.records()) if event.id == FIRST)
    assert (event.time, event.channel, event.record.causeid) == (
        OPENED + timedelta(hours=1.5),
        "phone",
        "C-1",
    )
    assert isinstance(event.data, ComplaintEscalated)
    assert (event.data.to_level, event.data.reason) == ("province", "sla_breached")


async def test_c7_two_schedulers_and_a_rebuild_at_once_escalate_each_clock_once(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog, writer: LogWriter, clock: Hand
) -> None:
    names = [f"C-{number}" for number in range(40)]
    await append(log, [opened(name) for name in names])
    one, _ = escalator(database_url, writer, clock)
    other, _ = escalator(database_url, writer, clock)

    async def all_at(wanted: str) -> bool:
        return {await level(connection, name) for name in names} == {wanted}

    async with worker(projection(database_url, log)), running(one), running(other):
        await reached(connection, end_of(log))
        clock.move(hours=2)
        rebuilt, _ = await asyncio.gather(
            rebuild(rebuilding(database_url, log, read_models=COMPLAINTS)),
            eventually(lambda: all_at("province")),
        )
        clock.move(hours=3)
        await eventually(lambda: all_at("headquarters"))
        await reached(connection, end_of(log))
    assert rebuilt[0].comparison is not None
    assert rebuilt[0].comparison.differing == 0
    assert await history(connection) == [
        (name, f"sla:{name}:{clock_name}:1", to)
        for name in sorted(names)
        for clock_name, to in (("first_response", "province"), ("resolution", "headquarters"))
    ]
    assert len(set(posted(log))) == 80


async def test_c7_rebuilding_posts_nothing(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog, writer: LogWriter, clock: Hand
) -> None:
    await seen(connection, database_url, log, opened("C-1"))
    clock.move(days=90)
    [model] = [each for each in READ_MODELS if each.name == "complaints"]
    before = len(log.records())
    for source in ("log", "journal"):
        await rebuild(rebuilding(database_url, log, read_models=(model,), source=source))
    assert len(log.records()) == before
    scheduler, _ = escalator(database_url, writer, clock)
    assert await scheduler.look() == 1
    await seen(connection, database_url, log)
    after = len(log.records())
    await rebuild(rebuilding(database_url, log, read_models=(model,)))
    assert len(log.records()) == after
    assert await level(connection) == "province"


async def test_a_view_that_lags_is_not_told_twice_and_a_scheduler_that_forgot_does_no_harm(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog, writer: LogWriter, clock: Hand
) -> None:
    await seen(connection, database_url, log, opened("C-1"))
    clock.move(hours=2)
    scheduler, metrics = escalator(database_url, writer, clock)
    assert [await scheduler.look() for _ in range(3)] == [1, 0, 0]
    assert posted(log) == [FIRST]
    assert metrics.registry.get_sample_value("rapport_escalation_events_posted_total") == 1
    restarted, _ = escalator(database_url, writer, clock)
    assert await restarted.look() == 1
    assert posted(log) == [FIRST, FIRST]
    await seen(connection, database_url, log)
    assert await history(connection) == [("C-1", FIRST, "province")]


async def test_a_clock_that_ended_or_is_paused_is_not_escalated(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog, writer: LogWriter, clock: Hand
) -> None:
    minutes = [timedelta(minutes=number) for number in range(5)]
    await seen(
        connection, database_url, log,
        opened("C-1"), happened("acknowledged", "C-1", minutes[1], staff="ann"),
        happened("resolved", "C-1", minutes[2], resolution="apology", staff="ann"),
        opened("C-2"), happened("acknowledged", "C-2", minutes[1], staff="ann"),
        happened("customer_awaited", "C-2", minutes[3]),
        opened("C-3"), happened("withdrawn", "C-3", minutes[4]),
    )  # fmt: skip
    clock.move(hours=40)
    scheduler, _ = escalator(database_url, writer, clock)
    assert await scheduler.look() == 0


async def test_a_log_that_is_away_is_told_and_made_up_for(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog, writer: LogWriter, clock: Hand
) -> None:
    await seen(connection, database_url, log, opened("C-1"))
    clock.move(hours=2)
    log.go_away()
    scheduler, metrics = escalator(database_url, writer, clock)
    with pytest.raises(EscalationFailedError, match="the event log did not confirm"):
        await scheduler.look()
    async with running(scheduler):

        async def failed_often() -> bool:
            failures = metrics.registry.get_sample_value("rapport_escalation_failures_total", {"part": "log"})
            return failures is not None and failures > 2

        await eventually(failed_often)
        log.come_back()

        async def is_posted() -> bool:
            return posted(log) == [FIRST]

        await eventually(is_posted)
    assert (metrics.registry.get_sample_value("rapport_escalation_look_timestamp_seconds") or 0) > 0


@pytest.mark.parametrize("silent", [True, False])
async def test_a_database_that_is_away_is_told_in_time_and_made_up_for(
    connection: asyncpg.Connection,
    database_url: str,
    log: MemoryLog,
    writer: LogWriter,
    clock: Hand,
    *,
    silent: bool,
) -> None:
    await seen(connection, database_url, log, opened("C-1"))
    clock.move(hours=2)
    async with tcp_proxy(target_of(database_url)) as proxy:
        scheduler, metrics = escalator(by_tcp(database_url, proxy.port), writer, clock)
        assert await scheduler.look() == 1
        if silent:
            proxy.black_hole()
        else:
            proxy.cut()
        async with asyncio.timeout(5):
            with pytest.raises(EscalationFailedError, match="PostgreSQL cannot be read now"):
                await scheduler.look()
        async with running(scheduler):
            proxy.heal()
            await seen(connection, database_url, log)
            clock.move(hours=3)

            async def is_posted() -> bool:
                return posted(log) == [FIRST, SECOND]

            await eventually(is_posted)
        assert metrics.registry.get_sample_value("rapport_escalation_failures_total", {"part": "database"})


async def test_a_database_without_views_is_told_with_what_to_do(
    database_url: str, writer: LogWriter, clock: Hand
) -> None:
    scheduler, _ = escalator(database_url, writer, clock)
    with pytest.raises(EscalationFailedError, match="run `rapport migrate`"):
        await scheduler.look()


async def test_breached_cases_come_in_pages_by_an_index_the_longest_overdue_first(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog, clock: Hand
) -> None:
    await seen(connection, database_url, log, *(opened(f"C-{number}") for number in range(7)))
    clock.move(hours=2)
    pages = [
        [complaint_id for complaint_id, _ in page] async for page in breached_cases(connection, clock(), 3)
    ]
    assert pages == [["C-0", "C-1", "C-2"], ["C-3", "C-4", "C-5"], ["C-6"]]
    await connection.execute("set enable_seqscan = off; set enable_bitmapscan = off")
    plan = await connection.fetch(
        "explain select complaint_id from live.complaints where next_escalation_at < now() "
        "order by next_escalation_at, complaint_id limit 500"
    )
    told = "\n".join(row[0] for row in plan)
    assert "complaints_escalation" in told
    assert "Sort" not in told


async def test_stopping_ends_a_scheduler_amid_its_pause(
    connection: asyncpg.Connection, database_url: str, writer: LogWriter, clock: Hand
) -> None:
    scheduler, _ = escalator(database_url, writer, clock)
    stop = asyncio.Event()
    task = asyncio.create_task(scheduler.run(stop, look_seconds=3600))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(task, 10)
    assert await connection.fetchval("select 1") == 1
