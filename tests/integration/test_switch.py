"""Generations coming and going while events flow and readers read: switch, rollback, pause, resume, a new version."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Column, MetaData, Text

from services.projections.engine.generations import make_first_generation
from services.projections.engine.kept_generations import drop, drop_older, roll_back, switch_to
from services.projections.engine.outdated_views import outdated_views, rebuild_outdated_views
from services.projections.engine.pause import pause, resume
from services.projections.engine.rebuild import Rebuild, rebuild
from services.projections.engine.switch import SwitchRefusedError
from services.projections.engine.verify import verify
from services.projections.read_models.customer_summary import summary
from services.projections.read_models.declaration import Entries, ReadModel
from services.projections.read_models.timeline import TIMELINE, page
from shared.position import Position
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import (
    append,
    decode,
    end_of,
    event_ids,
    eventually,
    projection,
    purchase,
    reached,
    worker,
)
from tests.rebuilding import rebuilding, rows_of, shown

OTHERS = READ_MODELS[1:]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def projected_log(connection: asyncpg.Connection, database_url: str, events: int = 100) -> MemoryLog:
    log = MemoryLog()
    await append(log, [purchase(number, f"M{number % 23}") for number in range(events)])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    return log


class Load:
    """Events appended without end, workers projecting them, and a reader that never stops."""

    def __init__(self) -> None:
        self.reads = 0
        self.longest_read_seconds = 0.0
        self.appended = 0


_READ = """
select (select count(*) from live.timeline) as rows,
    (select string_agg(partition || ':' || position, ',' order by partition) from control.positions
     where position > 0) as position
"""


async def _keep_reading(database_url: str, load: Load) -> None:
    """Fails where an answer goes back in position, or holds another number of rows than its position says."""
    loop = asyncio.get_running_loop()
    connection = await asyncpg.connect(database_url)
    before = Position({})
    try:
        while True:
            asked = loop.time()
            row = await connection.fetchrow(_READ)
            assert row is not None
            load.longest_read_seconds = max(load.longest_read_seconds, loop.time() - asked)
            position = Position.parse(row["position"])
            assert position.includes(before)
            assert row["rows"] == sum(position.offsets.values())
            before = position
            load.reads += 1
            await asyncio.sleep(0)
    finally:
        await connection.close()


async def _keep_appending(log: MemoryLog, load: Load, first: int) -> None:
    while True:
        numbers = range(first + load.appended, first + load.appended + 20)
        await append(log, [purchase(number, f"M{number % 23}") for number in numbers])
        load.appended += 20
        await asyncio.sleep(0.01)


@asynccontextmanager
async def under_load(database_url: str, log: MemoryLog, first: int, **changed: Any) -> AsyncIterator[Load]:
    load = Load()
    async with (
        worker(projection(database_url, log, **changed)),
        worker(projection(database_url, log, **changed)),
    ):
        tasks = [
            asyncio.create_task(_keep_appending(log, load, first)),
            asyncio.create_task(_keep_reading(database_url, load)),
        ]
        await eventually(_more(load, 5))
        yield load
        await eventually(_more(load, 5))
        for task in tasks:
            assert not task.done() or task.result()
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            assert task.cancelled()


def _more(load: Load, reads: int) -> Any:
    wanted = load.reads + reads

    async def there() -> bool:
        return load.reads >= wanted

    return there


async def all_there_once(connection: asyncpg.Connection, log: MemoryLog, events: int) -> None:
    await reached(connection, end_of(log))
    assert len(await event_ids(connection)) == events
    assert await connection.fetchval("select sum(events) from live.customer_summary") == events


async def test_reads_answer_and_never_go_back_while_views_are_rebuilt_and_switched_under_load(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    async with under_load(database_url, log, 100) as load:
        for generation in (2, 3):
            done = await rebuild(rebuilding(database_url, log))
            assert [each.generation for each in done] == [generation] * len(READ_MODELS)
            assert [each.comparison and each.comparison.differing for each in done] == [0] * len(READ_MODELS)
    async with worker(projection(database_url, log)):
        await all_there_once(connection, log, 100 + load.appended)
    assert [each.differing for each in await verify(rebuilding(database_url, log))] == [0] * len(READ_MODELS)


async def test_a_rebuild_without_a_switch_waits_for_one_and_is_brought_up_to_date_by_it(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    done = await rebuild(rebuilding(database_url, log, switch=False))
    assert not any(each.switched for each in done)
    assert (await shown(connection))["timeline"] == (1, "live")
    async with under_load(database_url, log, 100) as load:
        await switch_to(connection, TIMELINE, 2, decode)
        assert (await shown(connection))["timeline"] == (2, "live")
    async with worker(projection(database_url, log)):
        await all_there_once(connection, log, 100 + load.appended)


async def test_a_switch_is_rolled_back_under_load_and_nothing_is_missing(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    await rebuild(rebuilding(database_url, log))
    async with under_load(database_url, log, 100) as load:
        await eventually(_more(load, 20))
        for back in (1, 2):
            assert await roll_back(connection, TIMELINE, decode) == back
            assert (await shown(connection))["timeline"] == (back, "live")
    async with worker(projection(database_url, log)):
        await all_there_once(connection, log, 100 + load.appended)
    assert [each.differing for each in await verify(rebuilding(database_url, log))] == [0] * len(READ_MODELS)


async def test_a_long_read_delays_the_switch_and_not_the_other_reads(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    await rebuild(rebuilding(database_url, log, switch=False))
    long_read = await asyncpg.connect(database_url)
    async with long_read.transaction():
        await long_read.fetch("select * from live.timeline")
        switching = asyncio.create_task(switch_to(connection, TIMELINE, 2, decode))
        async with under_load(database_url, log, 100) as load:
            await eventually(_more(load, 50))
            assert not switching.done()
    await switching
    await long_read.close()
    assert load.longest_read_seconds < 1


async def test_a_view_paused_before_there_was_a_log_stands_at_nothing_and_resumes_with_everything(
    connection: asyncpg.Connection, database_url: str
) -> None:
    assert await pause(connection, "customer_summary")
    log = MemoryLog()
    await append(log, [purchase(number, f"M{number % 23}") for number in range(60)])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
        _, position = await summary(connection, ["pty_nobody"])
        assert position.offsets == {}
        assert await resume(connection, OTHERS[0], decode)
    assert await connection.fetchval("select sum(events) from live.customer_summary") == 60


async def test_a_view_paused_under_load_stands_still_and_resumes_with_everything(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    async with worker(projection(database_url, log)), worker(projection(database_url, log)):
        assert await pause(connection, "customer_summary")
        assert not await pause(connection, "customer_summary")
        await append(log, [purchase(number, f"M{number % 23}") for number in range(100, 200)])
        await reached(connection, end_of(log))
        assert await connection.fetchval("select sum(events) from live.customer_summary") == 100
        assert len(await event_ids(connection)) == 200
        assert (await page(connection, ["pty_nobody"])).position == end_of(log)
        _, paused_at = await summary(connection, ["pty_nobody"])
        assert sum(paused_at.offsets.values()) == 100
        await append(log, [purchase(number, f"M{number % 23}") for number in range(200, 300)])
        assert await resume(connection, OTHERS[0], decode)
        assert not await resume(connection, OTHERS[0], decode)
        await append(log, [purchase(number, f"M{number % 23}") for number in range(300, 400)])
        await all_there_once(connection, log, 400)
    assert [each.differing for each in await verify(rebuilding(database_url, log))] == [0] * len(READ_MODELS)


async def test_an_event_that_fails_while_a_view_resumes_is_parked_with_those_behind_it(
    connection: asyncpg.Connection, database_url: str
) -> None:
    def row(event: Any) -> Any:
        if event.id == "purchase-101":
            raise ValueError("no good")
        return TIMELINE.kind.row(event)  # type: ignore[union-attr]

    failing = replace(TIMELINE, kind=Entries(row))
    log = await projected_log(connection, database_url)
    await pause(connection, "timeline")
    await append(log, [purchase(number, "M1") for number in range(100, 104)])
    async with worker(projection(database_url, log, read_models=(failing, *OTHERS))):
        await reached(connection, end_of(log))
        await resume(connection, failing, decode)
        await append(log, [purchase(104, "M1"), purchase(105, "M2")])
        await reached(connection, end_of(log))
    parked = await connection.fetch("select event_id, error, attempts from control.parked_events order by 1")
    assert [tuple(row) for row in parked] == [
        ("purchase-101", "ValueError", 1),
        ("purchase-102", "BehindParkedError", 0),
        ("purchase-103", "BehindParkedError", 0),
        ("purchase-104", "BehindParkedError", 0),
    ]
    assert len(await event_ids(connection)) == 102


def _newer_timeline() -> ReadModel:
    """A timeline with another column, and so another version."""
    table = TIMELINE.table.to_metadata(MetaData())
    table.append_column(Column("family", Text))

    def row(event: Any) -> Any:
        made: Any = TIMELINE.kind.row(event)  # type: ignore[union-attr]
        return {**made, "family": made["type"].partition(".")[0]}

    return replace(TIMELINE, version=TIMELINE.version + 1, table=table, kind=Entries(row))


async def test_a_view_of_a_new_version_stands_still_until_its_rebuild_and_readers_keep_the_old_one(
    connection: asyncpg.Connection, database_url: str
) -> None:
    newer = _newer_timeline()
    read_models = (newer, *OTHERS)
    log = await projected_log(connection, database_url)
    await append(log, [purchase(number, f"M{number % 23}") for number in range(100, 150)])
    async with worker(projection(database_url, log, read_models=read_models)):
        await reached(connection, end_of(log))
        assert await shown(connection) == {
            "timeline": (1, "outdated"),
            **{each.name: (1, "live") for each in OTHERS},
        }
        assert len(await event_ids(connection)) == 100
        assert await connection.fetchval("select sum(events) from live.customer_summary") == 150
        [done] = await rebuild(rebuilding(database_url, log, read_models=(newer,)))
        assert done.comparison is None
        assert await connection.fetchval("select distinct family from live.timeline") == "purchase"
        await append(log, [purchase(number, f"M{number % 23}") for number in range(150, 170)])
        await all_there_once(connection, log, 170)
    with pytest.raises(
        SwitchRefusedError, match=f"made by version {TIMELINE.version} .* has version {newer.version}"
    ):
        await roll_back(connection, newer, decode)


async def test_views_of_a_new_version_and_new_views_are_rebuilt_by_themselves(
    connection: asyncpg.Connection, database_url: str
) -> None:
    extra = replace(OTHERS[0], name="extra", table=OTHERS[0].table.to_metadata(MetaData(), name="extra"))
    read_models = (_newer_timeline(), *OTHERS, extra)
    log = await projected_log(connection, database_url)
    async with connection.transaction():
        await make_first_generation(connection, extra)

    def order(outdated: tuple[ReadModel, ...]) -> Rebuild:
        return rebuilding(database_url, log, read_models=outdated)

    async def current() -> bool:
        return not await outdated_views(connection, read_models)

    async with worker(projection(database_url, log, read_models=read_models)):
        await append(log, [purchase(number) for number in range(100, 110)])
        await reached(connection, end_of(log))
        assert [each.name for each in await outdated_views(connection, read_models)] == ["timeline", "extra"]
        rebuilds = asyncio.create_task(rebuild_outdated_views(database_url, read_models, order))
        await eventually(current)
        rebuilds.cancel()
        await asyncio.wait([rebuilds])
        await append(log, [purchase(number) for number in range(110, 120)])
        await all_there_once(connection, log, 120)
    assert {state for _, state in (await shown(connection)).values()} == {"live"}
    assert await connection.fetchval("select sum(events) from live.extra") == 120


async def test_a_new_view_joins_the_live_set_after_its_rebuild(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    extra = replace(OTHERS[0], name="extra", table=OTHERS[0].table.to_metadata(MetaData(), name="extra"))
    read_models = (*READ_MODELS, extra)
    async with connection.transaction():
        await make_first_generation(connection, extra)
    async with worker(projection(database_url, log, read_models=read_models)):
        await append(log, [purchase(number) for number in range(100, 110)])
        await reached(connection, end_of(log))
        assert "extra" not in await shown(connection)
        [done] = await rebuild(rebuilding(database_url, log, read_models=(extra,)))
        assert (done.generation, done.switched) == (1, True)
        await append(log, [purchase(number) for number in range(110, 120)])
        await reached(connection, end_of(log))
    assert await connection.fetchval("select sum(events) from live.extra") == 120


async def test_verification_finds_rows_changed_lost_and_made_up(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    subjects = [
        row["subject"]
        for row in await connection.fetch("select subject from live.customer_summary order by 1")
    ]
    await connection.execute("update live.customer_summary set events = 77 where subject = $1", subjects[0])
    await connection.execute("delete from live.customer_summary where subject = $1", subjects[1])
    await connection.execute(
        "insert into live.customer_summary select 'pty_nobody', case_subject, events, first_seen, last_seen, channels, "
        "categories, spend from live.customer_summary where subject = $1",
        subjects[2],
    )
    timeline, summary, *_ = await verify(rebuilding(database_url, log))
    assert (timeline.differing, timeline.keys) == (0, [])
    assert (summary.rows, summary.differing) == (len(subjects), 3)
    assert {(each.key["subject"], each.how) for each in summary.keys} == {
        (subjects[0], "changed"),
        (subjects[1], "missing"),
        ("pty_nobody", "extra"),
    }
    assert await connection.fetchval("select count(*) from control.generations") == len(READ_MODELS)


async def test_old_generations_are_dropped_and_never_the_one_that_is_read(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    for _ in range(3):
        await rebuild(rebuilding(database_url, log, read_models=(TIMELINE,)))
    with pytest.raises(SwitchRefusedError, match="is what readers see"):
        await drop(connection, "timeline", 4)
    await drop(connection, "timeline", 1)
    with pytest.raises(SwitchRefusedError, match="has no generation 1; it has 2, 3, 4"):
        await switch_to(connection, TIMELINE, 1, decode)
    assert await drop_older(connection, "timeline", datetime.now(UTC) - timedelta(days=1)) == []
    assert await drop_older(connection, "timeline", datetime.now(UTC) + timedelta(days=1)) == [2, 3]
    assert len(await rows_of(connection, TIMELINE, 4)) == 100
