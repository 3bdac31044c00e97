"""Parked events are given to their view again: in order, exactly once, in every generation, while workers go on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import asyncpg
import pytest

from services.projections.engine.kept_generations import drop, roll_back, switch_to
from services.projections.engine.operating import ViewBusyError, held_views
from services.projections.engine.parked_generations import GenerationInTheWayError
from services.projections.engine.parked_redrive import Wanted, redrive
from services.projections.engine.pause import pause, resume
from services.projections.engine.rebuild import rebuild
from services.projections.engine.rebuild_workers import Bulk, run_workers
from services.projections.read_models.customer_summary import CUSTOMER_SUMMARY
from services.projections.read_models.declaration import Entries, Ordered, ReadModel, Row
from services.projections.read_models.timeline import TIMELINE
from shared.envelope import RecordedEvent
from tests.complaint_trails import COMPLAINT_TRAILS, evolve, key
from tests.databases import empty_views
from tests.failing_views import EVERY, OF_EVERY_KIND, failing_on, with_faults
from tests.fakes.memory_log import MemoryLog
from tests.parked import (
    Count,
    differing,
    make_generations,
    parked_counts,
    project,
    redrive_all,
    step,
    waiting,
)
from tests.projecting import append, decode, end_of, eventually, projection, purchase, reached, worker
from tests.rebuilding import rebuilding, rows_of

PARTITIONS = 4


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=PARTITIONS)
    connection = await asyncpg.connect(database_url)
    await make_generations(connection)
    yield connection
    await connection.close()


async def trail(connection: asyncpg.Connection, complaint: str) -> list[str] | None:
    found = await connection.fetchval(
        "select array(select jsonb_array_elements_text(trail)) from live.complaint_trails where complaint_id = $1",
        complaint,
    )
    return list(found) if found is not None else None


async def parked_in_every_view(connection: asyncpg.Connection, database_url: str) -> MemoryLog:
    """Faults on a purchase and a step, each with events behind them, and events of other keys."""
    log = MemoryLog(PARTITIONS)
    events = [
        *(purchase(number, f"M{number % 3}") for number in range(12)),
        *(step(number, f"c{number % 2}") for number in range(20, 30)),
    ]
    await project(connection, database_url, log, events, with_faults("purchase-3", "step-22"))
    return log


async def test_once_the_fault_is_mended_every_kind_of_view_takes_its_parked_events_and_equals_its_rebuild(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_in_every_view(connection, database_url)
    assert await trail(connection, "c0") == ["step-20"]
    assert len(await waiting(connection, "timeline")) == 3 + 4
    done = await redrive_all(connection)
    assert {each.view: (each.applied, each.failed, each.waiting) for each in done} == {
        "timeline": (7, 0, 0),
        "customer_summary": (7, 0, 0),
        "complaint_trails": (4, 0, 0),
        "case_ledger": (4, 0, 0),
    }
    assert await trail(connection, "c0") == [f"step-{number}" for number in range(20, 30, 2)]
    assert await differing(database_url, log) == {}
    assert await parked_counts(connection) == [
        Count("case_ledger", 0, 0, 0, 4),
        Count("complaint_trails", 0, 0, 0, 4),
        Count("customer_summary", 0, 0, 0, 7),
        Count("timeline", 0, 0, 0, 7),
    ]


async def test_a_fold_that_still_fails_keeps_the_event_and_those_behind_it_with_the_new_error(
    connection: asyncpg.Connection, database_url: str
) -> None:
    await parked_in_every_view(connection, database_url)
    half_mended = failing_on(COMPLAINT_TRAILS, ["step-26"])
    done = await redrive(connection, half_mended, decode)
    assert (done.applied, done.failed, done.waiting) == (2, 1, 2)
    assert await trail(connection, "c0") == ["step-20", "step-22", "step-24"]
    rows = await connection.fetch(
        "select event_id, error, detail, attempts, unanswered from control.parked_events "
        "where view = 'complaint_trails' order by log_offset"
    )
    assert [tuple(row)[:2] + tuple(row)[3:] for row in rows] == [
        ("step-26", "FoldFaultError", 1, 0),
        ("step-28", "BehindParkedError", 0, 0),
    ]
    assert rows[0]["detail"] == "cannot take step-26"


async def test_only_the_wanted_key_or_the_keys_whose_first_event_has_the_error_are_redriven(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(PARTITIONS)
    events = [step(number, f"c{number % 3}") for number in range(9)]
    await project(connection, database_url, log, events, with_faults("step-0", "step-1", "step-2"))
    by_key = await redrive(connection, COMPLAINT_TRAILS, decode, Wanted(key="complaint:c1"))
    assert (by_key.applied, by_key.waiting) == (3, 6)
    await connection.execute(
        "update control.parked_events set error = 'OtherError' where view = 'complaint_trails' and event_id = 'step-2'"
    )
    by_error = await redrive(connection, COMPLAINT_TRAILS, decode, Wanted(error="OtherError"))
    assert (by_error.applied, by_error.waiting) == (3, 3)
    assert await trail(connection, "c0") is None
    assert await trail(connection, "c2") == ["step-2", "step-5", "step-8"]


async def test_a_worker_that_applies_events_of_the_same_keys_meanwhile_changes_neither_order_nor_number(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(PARTITIONS)
    first = [step(number, f"c{number % 4}") for number in range(400)]
    await project(
        connection, database_url, log, first, with_faults(*(f"step-{number}" for number in range(4)))
    )
    assert len(await waiting(connection, "complaint_trails")) == 400
    async with worker(projection(database_url, log, read_models=EVERY, batch_events=7)):

        async def keep_appending() -> None:
            for number in range(400, 700, 10):
                await append(log, [step(each, f"c{each % 4}") for each in range(number, number + 10)])
                await asyncio.sleep(0)

        operating = await asyncpg.connect(database_url)
        appending = asyncio.create_task(keep_appending())
        done = await redrive_all(operating)
        await appending
        await reached(connection, end_of(log))
        done += await redrive_all(operating)
        await operating.close()
    assert [each.failed for each in done] == [0] * len(done)
    assert await waiting(connection, "complaint_trails") == []
    for which in range(4):
        assert await trail(connection, f"c{which}") == [f"step-{each}" for each in range(which, 700, 4)]
    assert await differing(database_url, log) == {}


async def test_a_redrive_waits_for_the_batch_at_work_and_takes_what_that_parks(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_in_every_view(connection, database_url)
    operating = await asyncpg.connect(database_url)
    async with connection.transaction():
        await connection.execute("select from control.positions for update")
        running = asyncio.create_task(redrive(operating, COMPLAINT_TRAILS, decode))

        async def waits() -> Any:
            assert not running.done()
            return await connection.fetchval(
                "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1",
                operating.get_server_pid(),
            )

        await eventually(waits)
        await connection.execute(_LAST_BEHIND)
    done = await running
    await operating.close()
    assert (done.applied, done.waiting) == (5, 0)
    assert await differing(database_url, log, [TIMELINE]) == {}


_LAST_BEHIND = """
insert into control.parked_events (
    view, partition, log_offset, stream_key, event_id, source, record_key, record_value, error, detail, attempts
)
select view, partition, 1000000, stream_key, event_id, source, record_key, record_value, 'BehindParkedError', '', 0
from control.parked_events where view = 'complaint_trails' order by log_offset desc limit 1
"""
"""What a batch at work would park: an event behind the others of the key."""


async def test_after_its_last_parked_event_is_taken_a_key_flows_live_again(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_in_every_view(connection, database_url)
    await redrive_all(connection)
    await project(connection, database_url, log, [step(40, "c0"), purchase(41, "M0")])
    assert (await trail(connection, "c0") or [])[-1] == "step-40"
    assert await waiting(connection, "timeline") == await waiting(connection, "complaint_trails") == []


async def test_a_redrive_whose_connection_is_killed_amid_its_transaction_has_done_nothing_by_half(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_in_every_view(connection, database_url)
    blocker = await asyncpg.connect(database_url)
    await blocker.execute("begin; lock table complaint_trails_g1.complaint_trails in share mode")
    operating = await asyncpg.connect(database_url)
    pid = operating.get_server_pid()
    running = asyncio.create_task(redrive(operating, COMPLAINT_TRAILS, decode))

    async def writes() -> Any:
        return await connection.fetchval(
            "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1", pid
        )

    await eventually(writes)
    await connection.execute("select pg_terminate_backend($1)", pid)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await running
    await blocker.execute("rollback")
    await blocker.close()
    assert await trail(connection, "c0") == ["step-20"]
    assert len(await waiting(connection, "complaint_trails")) == 4
    begun = await connection.fetch(
        "select attempts, unanswered from control.parked_events where view = 'complaint_trails' order by log_offset"
    )
    assert [tuple(row) for row in begun] == [(2, 1), (1, 1), (1, 1), (1, 1)]
    assert (await redrive(connection, COMPLAINT_TRAILS, decode)).waiting == 0
    assert await trail(connection, "c0") == [f"step-{number}" for number in range(20, 30, 2)]
    assert await differing(database_url, log, [COMPLAINT_TRAILS]) == {}


class DiedError(BaseException):
    """The process ends here, as far as a process can tell."""


async def test_an_event_whose_redrive_ends_the_process_is_found_alone_and_left_out_after_two_deaths(
    connection: asyncpg.Connection, database_url: str
) -> None:
    def deadly(before: Row | None, event: RecordedEvent[Any]) -> Row | None:
        if event.id == "step-1":
            raise DiedError
        return evolve(before, event)

    killing = replace(COMPLAINT_TRAILS, kind=Ordered(key=key, evolve=deadly))
    log = MemoryLog(1)
    events = [step(number, f"c{number % 3}") for number in range(6)]
    await project(connection, database_url, log, events, with_faults("step-0", "step-1", "step-2"))
    deaths, done = 0, None
    while done is None:
        operating = await asyncpg.connect(database_url)  # a process that dies takes its connection with it
        try:
            done = await redrive(operating, killing, decode)
        except DiedError:
            deaths += 1
        finally:
            operating.terminate()
            await eventually(partial(_gone, connection, operating))
    assert deaths == 2
    assert (done.left_out, done.waiting) == (1, 2)
    assert [await trail(connection, f"c{which}") for which in range(3)] == [
        ["step-0", "step-3"], None, ["step-2", "step-5"],
    ]  # fmt: skip
    mended = await redrive(connection, COMPLAINT_TRAILS, decode, Wanted(again=True))
    assert (mended.applied, mended.waiting) == (2, 0)


async def _gone(connection: asyncpg.Connection, operating: asyncpg.Connection) -> bool:
    held = await connection.fetchval("select count(*) from pg_locks where locktype = 'advisory'")
    return bool(operating.is_closed() and held == 0)


async def test_an_event_of_which_postgresql_refuses_the_row_is_kept_and_the_others_are_taken(
    connection: asyncpg.Connection, database_url: str
) -> None:
    def spoiled(event: RecordedEvent[Any]) -> Any:
        made: Any = row(event)
        return {**made, "channel": None} if event.id == "purchase-4" else made

    assert isinstance(TIMELINE.kind, Entries)
    row = TIMELINE.kind.row
    refused = replace(TIMELINE, kind=Entries(spoiled))
    log = MemoryLog(1)
    events = [purchase(number, f"M{number % 2}") for number in range(10)]
    await project(connection, database_url, log, events, with_faults("purchase-0", "purchase-1"))
    done = await redrive(connection, refused, decode)
    assert (done.applied, done.failed, done.waiting) == (5 + 2, 1, 3)
    assert await waiting(connection, "timeline") == [
        ("purchase-4", "RowsRefusedError"),
        ("purchase-6", "BehindParkedError"),
        ("purchase-8", "BehindParkedError"),
    ]
    assert (await redrive(connection, TIMELINE, decode)).waiting == 0
    assert await connection.fetchval("select count(*) from live.timeline") == 10


async def test_while_a_rebuild_of_the_view_runs_a_redrive_is_refused_and_afterwards_it_reaches_the_new_generation(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_in_every_view(connection, database_url)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def held_up(bulk: Bulk, workers: int) -> None:
        begun.set()
        await go_on.wait()
        await run_workers(bulk, workers)

    rebuilding_all = asyncio.create_task(
        rebuild(rebuilding(database_url, log, read_models=EVERY, run_workers=held_up))
    )
    await begun.wait()
    with pytest.raises(ViewBusyError, match="view timeline is busy: `rapport rebuild"):
        await redrive(connection, TIMELINE, decode)
    go_on.set()
    done = await rebuilding_all
    assert [each.comparison and each.comparison.differing for each in done] == [0] * len(EVERY)
    assert [each.waiting for each in await redrive_all(connection)] == [0] * len(OF_EVERY_KIND)
    for read_model in OF_EVERY_KIND:
        rows = await rows_of(connection, read_model, 2)
        assert rows == await rows_of(connection, read_model, 1)  # it is kept for rollback, and has them too
        assert rows
    assert await differing(database_url, log) == {}


async def test_a_killed_rebuild_that_had_passed_parked_events_goes_on_with_them_once_they_are_redriven(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_in_every_view(connection, database_url)

    async def killed(bulk: Bulk, workers: int) -> None:
        await run_workers(bulk, workers)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await rebuild(rebuilding(database_url, log, read_models=EVERY, run_workers=killed))
    await redrive_all(connection)
    done = await rebuild(rebuilding(database_url, log, read_models=EVERY))
    assert [(each.generation, each.comparison and each.comparison.differing) for each in done] == [
        (2, 0)
    ] * len(EVERY)


async def test_a_generation_of_another_version_that_has_passed_a_parked_event_stands_in_the_way_until_it_is_dropped(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_in_every_view(connection, database_url)
    newer = replace(TIMELINE, version=TIMELINE.version + 1)
    others = tuple(each for each in EVERY if each is not TIMELINE)
    await project(connection, database_url, log, [], (newer, *others))
    await rebuild(rebuilding(database_url, log, read_models=(newer,)))
    with pytest.raises(GenerationInTheWayError, match="`rapport drop timeline 1` if it need not be kept"):
        await redrive(connection, newer, decode)
    assert len(await waiting(connection, "timeline")) == 7
    await drop(connection, "timeline", 1)
    assert (await redrive(connection, newer, decode)).waiting == 0
    assert await differing(database_url, log, [newer]) == {}


async def test_rolled_back_or_paused_views_have_what_was_redriven(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_in_every_view(connection, database_url)
    await rebuild(rebuilding(database_url, log, read_models=EVERY))
    await pause(connection, "customer_summary")
    await project(connection, database_url, log, [purchase(50, "M0"), step(51, "c0"), purchase(52, "M1")])
    await redrive_all(connection)
    for read_model in (TIMELINE, COMPLAINT_TRAILS):
        assert await roll_back(connection, read_model, decode) == 1
    async with held_views(connection, ["customer_summary"]):
        await resume(connection, CUSTOMER_SUMMARY, decode)
    assert await waiting(connection, "customer_summary") == []
    assert await differing(database_url, log) == {}
    await switch_to(connection, TIMELINE, 2, decode)
    assert await differing(database_url, log, [TIMELINE]) == {}
    assert (await trail(connection, "c0") or [])[-1] == "step-51"


async def test_an_event_that_the_view_does_not_consume_any_more_just_leaves(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_in_every_view(connection, database_url)
    uninterested: ReadModel = replace(COMPLAINT_TRAILS, consumes=frozenset())
    done = await redrive(connection, uninterested, decode)
    assert (done.applied, done.waiting) == (4, 0)
    assert await trail(connection, "c0") == ["step-20"]
    assert log.records()
