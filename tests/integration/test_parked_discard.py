"""Parked events are discarded: on record with who and why, out of the way, and left out by every rebuild."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from services.projections.engine.operating import ViewBusyError, held_views
from services.projections.engine.parked_discarding import Chosen, Reason, count_chosen, discard_parked
from services.projections.engine.parked_redrive import redrive
from services.projections.engine.rebuild import rebuild
from services.projections.sight.parked_listing import Filter, Place, parked_page
from tests.complaint_trails import COMPLAINT_TRAILS
from tests.databases import empty_views
from tests.failing_views import EVERY, with_faults
from tests.fakes.memory_log import MemoryLog
from tests.parked import (
    BECAUSE,
    WHEN,
    Count,
    differing,
    discard,
    make_generations,
    parked_counts,
    project,
    step,
    waiting,
)
from tests.projecting import decode
from tests.rebuilding import rebuilding


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=2)
    connection = await asyncpg.connect(database_url)
    await make_generations(connection)
    yield connection
    await connection.close()


async def parked_log(connection: asyncpg.Connection, database_url: str) -> MemoryLog:
    """Of two complaints the second step fails in every view, and two more wait behind it."""
    log = MemoryLog(2)
    events = [step(number, f"c{number % 2}") for number in range(8)]
    await project(connection, database_url, log, events, with_faults("step-2", "step-3"))
    return log


async def trails(connection: asyncpg.Connection) -> dict[str, int]:
    rows = await connection.fetch("select complaint_id, steps from live.complaint_trails")
    return {row["complaint_id"]: row["steps"] for row in rows}


async def test_a_discarded_event_stays_on_record_and_those_behind_it_wait_for_their_redrive(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_log(connection, database_url)
    done = await discard(connection, "step-2", "complaint_trails")
    assert done == (1, ["complaint:c0"], 2)
    assert await trails(connection) == {"c0": 1, "c1": 1}
    [kept] = (await parked_page(connection, Filter(discarded=True), 10)).events
    assert (kept.event_id, kept.discarded_by, kept.discarded_at, kept.reason) == (
        "step-2", "ada", WHEN, "sent in error",
    )  # fmt: skip
    redriven = await redrive(connection, COMPLAINT_TRAILS, decode)
    assert (redriven.applied, redriven.waiting) == (2 + 3, 0)
    assert await trails(connection) == {"c0": 3, "c1": 4}
    assert await differing(database_url, log, [COMPLAINT_TRAILS]) == {}
    assert await parked_counts(connection) == [
        Count("case_ledger", 6, 2, 0, 0),
        Count("complaint_trails", 0, 0, 1, 5),
        Count("customer_summary", 6, 2, 0, 0),
        Count("timeline", 6, 2, 0, 0),
    ]


async def test_a_rebuild_leaves_out_what_was_discarded_and_equals_the_live_view(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_log(connection, database_url)
    await discard(connection, "step-2", "complaint_trails")
    await redrive(connection, COMPLAINT_TRAILS, decode)
    for source in ("log", "journal"):
        [done] = await rebuild(rebuilding(database_url, log, read_models=(COMPLAINT_TRAILS,), source=source))
        assert done.comparison is not None
        assert (done.comparison.rows, done.comparison.differing) == (2, 0)
    assert await trails(connection) == {"c0": 3, "c1": 4}


async def test_a_key_all_of_whose_parked_events_are_discarded_flows_live_again(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_log(connection, database_url)
    chosen = Chosen("complaint_trails", key="complaint:c0")
    assert await count_chosen(connection, chosen) == 3
    assert await discard_parked(connection, chosen, BECAUSE) == (3, [], 0)
    await project(connection, database_url, log, [step(20, "c0"), step(21, "c1")])
    assert await trails(connection) == {"c0": 2, "c1": 1}
    assert [event for event, _ in await waiting(connection, "complaint_trails")] == [
        "step-3", "step-5", "step-7", "step-21",
    ]  # fmt: skip
    assert await differing(database_url, log, [COMPLAINT_TRAILS]) == {}


async def test_events_are_chosen_by_error_and_none_is_discarded_twice(
    connection: asyncpg.Connection, database_url: str
) -> None:
    await parked_log(connection, database_url)
    chosen = Chosen("timeline", error="FoldFaultError")
    assert await discard_parked(connection, chosen, BECAUSE) == (2, ["complaint:c0", "complaint:c1"], 4)
    assert await count_chosen(connection, chosen) == 0
    later = Reason("bob", WHEN + timedelta(days=1), "again")
    assert await discard_parked(connection, chosen, later) == (0, [], 0)
    page = await parked_page(connection, Filter("timeline", discarded=True), 10)
    assert [each.discarded_by for each in page.events] == ["ada", "ada"]


async def test_a_busy_view_lets_nothing_be_discarded(
    connection: asyncpg.Connection, database_url: str
) -> None:
    await parked_log(connection, database_url)
    other = await asyncpg.connect(database_url)
    async with held_views(other, ["timeline"]):
        with pytest.raises(ViewBusyError, match="view timeline is busy"):
            await discard_parked(connection, Chosen("timeline"), BECAUSE)
    await other.close()


async def test_the_list_is_grouped_filtered_and_paged_in_order(
    connection: asyncpg.Connection, database_url: str
) -> None:
    await parked_log(connection, database_url)
    page = await parked_page(connection, Filter(), 5)
    assert [(each.view, each.error, each.keys, each.events) for each in page.groups] == [
        ("case_ledger", "BehindParkedError", 2, 4),
        ("case_ledger", "FoldFaultError", 2, 2),
        ("complaint_trails", "BehindParkedError", 2, 4),
        ("complaint_trails", "FoldFaultError", 2, 2),
        ("customer_summary", "BehindParkedError", 2, 4),
        ("customer_summary", "FoldFaultError", 2, 2),
        ("timeline", "BehindParkedError", 2, 4),
        ("timeline", "FoldFaultError", 2, 2),
    ]
    places: list[Place] = []
    after = None
    while True:
        page = await parked_page(connection, Filter(), 5, after)
        places += [each.place for each in page.events]
        after = page.next
        if after is None:
            break
    assert len(places) == 24
    assert places == sorted(set(places))
    heads = await parked_page(connection, Filter("timeline", "complaint:c0", "FoldFaultError"), 5)
    assert [(each.event_id, each.attempts) for each in heads.events] == [("step-2", 1)]


async def test_every_view_has_the_same_rows_after_the_same_faults_were_discarded_or_redriven_elsewhere(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await parked_log(connection, database_url)
    await discard(connection, "step-3", "timeline")
    for read_model in EVERY:
        assert (await redrive(connection, read_model, decode)).waiting == 0
    assert await connection.fetchval("select count(*) from live.timeline") == 7
    assert await trails(connection) == {"c0": 4, "c1": 4}
    assert await differing(database_url, log) == {}
