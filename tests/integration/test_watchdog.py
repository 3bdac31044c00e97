"""The watchdog tells the truth: of what stands, of what waits, and when it does not know."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from services.projections.engine.watchdog import NotWellError, Watchdog
from shared.log.embedded import EmbeddedLog
from shared.log.port import EventLog
from shared.metrics import Metrics
from tests.contract.logs_under_test import postgres_proxy_target, through
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.fakes.tcp_proxy import tcp_proxy
from tests.projecting import append, end_of, projection, purchase, reached, worker
from tests.strategies import RECORDED_TIME

VIEWS = {each.name for each in READ_MODELS}
LAG = "rapport_projection_lag_events"
WAITS = "rapport_projection_lag_seconds"
STANDS = "rapport_projection_standstill_seconds"


class Watched:
    """A watchdog, the clock it goes by, and what its metrics say."""

    def __init__(self, database_url: str, log: EventLog, **changed: Any) -> None:
        self.now = RECORDED_TIME + timedelta(hours=1)
        self.registry = CollectorRegistry()
        self.watchdog = Watchdog(
            database_url, log, Metrics(self.registry).watched, lambda: self.now, **changed
        )

    async def look(self, *, after_seconds: float = 0) -> None:
        self.now += timedelta(seconds=after_seconds)
        await self.watchdog.look()

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Every sample of a metric by the values of its labels."""
        return {
            tuple(sample.labels.values()): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == name
        }

    def value(self, name: str) -> float:
        return self.samples(name)[()]

    def by_view(self, name: str) -> dict[str, float]:
        """The largest of each view's partitions."""
        found: dict[str, float] = {}
        for (view, _), value in self.samples(name).items():
            found[view] = max(value, found.get(view, 0.0))
        return found


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(partitions=1)


@pytest.fixture
async def watched(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog
) -> AsyncIterator[Watched]:
    """A system in which one event was applied, and no worker runs."""
    await append(log, [purchase(0)])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    watched = Watched(database_url, log)
    yield watched
    await watched.watchdog.close()


async def test_views_at_the_end_of_the_log_have_no_lag_however_old_their_last_event_is(
    watched: Watched,
) -> None:
    await watched.look()
    await watched.look(after_seconds=3600)

    for name in (LAG, WAITS, STANDS):
        assert watched.by_view(name) == dict.fromkeys(VIEWS, 0)
    assert watched.samples("rapport_projection_log_end") == {("0",): 1}
    assert watched.value("rapport_projection_log_up") == 1
    assert watched.value("rapport_projection_database_up") == 1
    assert watched.value("rapport_projection_database_bytes") > 0
    assert watched.value("rapport_projection_look_timestamp_seconds") == watched.now.timestamp()
    await watched.watchdog.check_progress()


async def test_with_its_workers_stopped_lag_grows_in_events_and_in_seconds(
    watched: Watched, log: MemoryLog
) -> None:
    await watched.look()
    await append(log, [purchase(1), purchase(2)])
    await watched.look()
    assert watched.by_view(LAG) == dict.fromkeys(VIEWS, 2)
    assert watched.by_view(WAITS) == dict.fromkeys(VIEWS, 3600)
    assert watched.by_view(STANDS) == dict.fromkeys(VIEWS, 0)

    await append(log, [purchase(3)])
    await watched.look(after_seconds=90)

    assert watched.by_view(LAG) == dict.fromkeys(VIEWS, 3)
    assert watched.by_view(WAITS) == dict.fromkeys(VIEWS, 3690)
    assert watched.by_view(STANDS) == dict.fromkeys(VIEWS, 90)
    assert watched.value("rapport_projection_partitions_unheld") == 1
    with pytest.raises(NotWellError, match="timeline has not moved for 90 s"):
        await watched.watchdog.check_progress()


async def test_a_worker_that_comes_back_ends_the_lag(
    watched: Watched, connection: asyncpg.Connection, database_url: str, log: MemoryLog
) -> None:
    await append(log, [purchase(1)])
    await watched.look()
    await watched.look(after_seconds=90)
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
        await watched.look(after_seconds=5)

        assert watched.by_view(LAG) == watched.by_view(STANDS) == dict.fromkeys(VIEWS, 0)
        assert watched.value("rapport_projection_partitions_unheld") == 0
        await watched.watchdog.check_progress()


async def test_while_the_log_is_away_lag_is_unknown_and_not_zero(watched: Watched, log: MemoryLog) -> None:
    await append(log, [purchase(1)])
    await watched.look()
    log.go_away()
    await watched.look(after_seconds=30)

    for name in (LAG, WAITS, STANDS, "rapport_projection_log_end"):
        assert watched.samples(name) == {}
    assert watched.value("rapport_projection_log_up") == 0
    assert watched.value("rapport_projection_database_up") == 1
    assert watched.samples("rapport_projection_generation") == {(view, "live"): 1 for view in VIEWS}
    await watched.watchdog.check_database()
    with pytest.raises(NotWellError, match="LogUnavailableError: the log is away"):
        await watched.watchdog.check_log()

    log.come_back()
    await watched.look(after_seconds=30)
    assert watched.by_view(STANDS) == dict.fromkeys(VIEWS, 60)
    await watched.watchdog.check_log()


async def test_while_the_database_is_silent_nothing_of_it_is_told_and_the_log_still_is(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog
) -> None:
    await append(log, [purchase(0)])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    async with tcp_proxy(postgres_proxy_target(database_url)) as proxy:
        watched = Watched(through(proxy, database_url), log, database_timeout_seconds=0.5)
        await watched.look()
        assert watched.by_view(LAG) == dict.fromkeys(VIEWS, 0)
        proxy.black_hole()
        async with asyncio.timeout(10):
            await watched.look(after_seconds=5)

        for name in (LAG, "rapport_projection_generation", "rapport_projection_parked_keys"):
            assert watched.samples(name) == {}
        assert watched.value("rapport_projection_database_up") == 0
        assert isnan(watched.value("rapport_projection_partitions_unheld"))
        assert isnan(watched.value("rapport_projection_database_bytes"))
        assert watched.samples("rapport_projection_log_end") == {("0",): 1}

        proxy.heal()
        await watched.look(after_seconds=5)
        assert watched.by_view(LAG) == dict.fromkeys(VIEWS, 0)
        assert watched.value("rapport_projection_database_bytes") > 0
        await watched.watchdog.close()


async def test_another_log_or_a_shorter_one_is_never_taken_for_having_been_read_to_its_end(
    watched: Watched, log: MemoryLog
) -> None:
    log_id = log.log_id
    log.recreate()
    await watched.look()
    assert watched.samples(LAG) == {}
    assert watched.value("rapport_projection_log_up") == 0
    with pytest.raises(NotWellError, match="deleted and made again"):
        await watched.watchdog.check_log()

    log.log_id = log_id
    await watched.look()
    assert watched.samples(LAG) == watched.samples(WAITS) == {}
    assert watched.value("rapport_projection_log_up") == 1


async def test_an_event_that_retention_took_before_it_was_applied_leaves_the_seconds_unknown(
    watched: Watched, log: MemoryLog
) -> None:
    await append(log, [purchase(1), purchase(2)])
    log.truncate_before(0, 2)
    await watched.look()
    assert watched.by_view(LAG) == dict.fromkeys(VIEWS, 2)
    assert watched.samples(WAITS) == {}


async def test_the_age_is_that_of_the_first_event_behind_records_that_are_none(
    watched: Watched, log: MemoryLog
) -> None:
    log.store(0, b"key", b"not an event")
    log.store(0, None, None)
    await append(log, [purchase(1)])
    await watched.look()
    assert watched.by_view(LAG) == dict.fromkeys(VIEWS, 3)
    assert watched.by_view(WAITS) == dict.fromkeys(VIEWS, 3600)


async def test_a_paused_view_is_told_apart_and_keeps_its_own_lag(
    watched: Watched, connection: asyncpg.Connection, database_url: str, log: MemoryLog
) -> None:
    await connection.execute("update control.generations set state = 'paused' where view = 'timeline'")
    await connection.execute(
        "insert into control.generation_positions "
        "(view, generation, partition, position, first, target, resumed_position) values ('timeline', 1, 0, 1, 0, 1, 0)"
    )
    await append(log, [purchase(1)])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
        await watched.look()
        await watched.look(after_seconds=90)

    assert watched.by_view(LAG) == {**dict.fromkeys(VIEWS, 0), "timeline": 1}
    assert watched.by_view(STANDS)["timeline"] == 90
    assert ("timeline", "paused") in watched.samples("rapport_projection_generation")
    await watched.watchdog.check_progress()


async def test_parked_keys_are_counted_by_view_and_views_without_any_say_zero(
    watched: Watched, connection: asyncpg.Connection
) -> None:
    await connection.executemany(
        "insert into control.parked_events "
        "(view, partition, log_offset, stream_key, error, detail, attempts, discarded_at) "
        "values ($1, 0, $2, $3, 'ValueError', '', 1, $4)",
        [
            ("timeline", 1, "pty_1", None),
            ("timeline", 2, "pty_1", None),
            ("timeline", 3, "pty_2", None),
            ("timeline", 4, "pty_3", datetime(2024, 5, 1, tzinfo=UTC)),
            ("*", 5, None, None),
            ("*", 6, None, None),
        ],
    )
    await watched.look()
    parked = {(view,): 0 for view in VIEWS} | {("timeline",): 2, ("*",): 2}
    assert watched.samples("rapport_projection_parked_keys") == parked
    assert watched.samples("rapport_projection_discarded_events")["timeline",] == 1
    assert watched.samples("rapport_projection_redriven_events")["timeline",] == 0


async def test_a_rebuild_tells_how_far_it_is_and_for_how_long_it_stood_still(
    watched: Watched, connection: asyncpg.Connection
) -> None:
    await connection.execute(
        "insert into control.generations (view, generation, version, state, created_at) "
        "values ('timeline', 2, 1, 'building', $1)",
        watched.now - timedelta(seconds=700),
    )
    await watched.look()
    standstill = "rapport_projection_rebuild_standstill_seconds"
    assert watched.samples(standstill) == {("timeline", "2"): 700}

    await connection.execute(
        "insert into control.generation_positions (view, generation, partition, position, first, target, "
        "resumed_position, resumed_at, updated_at) values ('timeline', 2, 0, 600, 100, 1100, 100, $1, $2)",
        watched.now - timedelta(seconds=15),
        watched.now - timedelta(seconds=10),
    )
    await watched.look()
    told = {
        name: watched.samples(f"rapport_projection_rebuild_{name}")["timeline", "2"]
        for name in ("done_events", "target_events", "events_per_second", "standstill_seconds")
    }
    assert told == {
        "done_events": 500,
        "target_events": 1000,
        "events_per_second": 100,
        "standstill_seconds": 10,
    }

    await watched.look(after_seconds=120)
    assert watched.samples("rapport_projection_rebuild_events_per_second") == {("timeline", "2"): 0}
    assert watched.samples(standstill) == {("timeline", "2"): 130}

    await connection.execute("update control.generations set state = 'ready' where generation = 2")
    await watched.look()
    assert watched.samples(standstill) == {}
    assert watched.samples("rapport_projection_generation")["timeline", "ready"] == 2


async def test_before_its_first_look_and_long_after_its_last_it_answers_for_nothing(watched: Watched) -> None:
    checks = (watched.watchdog.check_database, watched.watchdog.check_log, watched.watchdog.check_progress)
    for check in checks:
        with pytest.raises(NotWellError, match="not looked at yet"):
            await check()
    await watched.look()
    for check in checks:
        await check()
    watched.now += timedelta(minutes=2)
    for check in checks:
        with pytest.raises(NotWellError, match="not looked at for 120 s"):
            await check()


async def test_it_looks_again_and_again_until_it_is_cancelled_whatever_is_away(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = EmbeddedLog(database_url, Metrics(CollectorRegistry()))
    await append(log, [purchase(number, f"M{number}") for number in range(40)])
    async with worker(projection(database_url, log)):
        await reached(connection, await append(log, [purchase(99)]))
    await append(log, [purchase(number, f"M{number}") for number in range(100, 120)])
    watched = Watched(database_url, log, pause_seconds=0.01)
    running = asyncio.create_task(watched.watchdog.run())

    async def lag_of(events: int) -> None:
        async with asyncio.timeout(10):
            while (
                sum(value for (view, _), value in watched.samples(LAG).items() if view == "timeline")
                != events
            ):
                await asyncio.sleep(0.01)

    await lag_of(20)
    assert len(watched.by_view(WAITS)) == len(VIEWS)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name in ('rapport watchdog', 'rapport event log') and datname = current_database()"
    )
    await append(log, [purchase(120)])
    await lag_of(21)
    running.cancel()
    assert isinstance((await asyncio.gather(running, return_exceptions=True))[0], asyncio.CancelledError)
    assert not await connection.fetchval(
        "select count(*) from pg_stat_activity "
        "where application_name = 'rapport watchdog' and datname = current_database() and state = 'active'"
    )
