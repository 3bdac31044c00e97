"""Records that could not be decoded, once they can: applied to every view at their place in the log, exactly once."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.projections.control import EVERY_VIEW
from services.projections.engine.kept_generations import roll_back
from services.projections.engine.parked_redrive import Wanted, redrive
from services.projections.engine.parked_undecoded import redrive_undecoded
from services.projections.engine.rebuild import rebuild
from services.projections.engine.rebuild_workers import Bulk, run_workers
from services.projections.read_models.timeline import TIMELINE
from shared.codec import UndecodableRecordError
from shared.envelope import RecordedEvent
from shared.log.port import StoredRecord
from tests.case_ledger import CASE_LEDGER
from tests.complaint_trails import COMPLAINT_TRAILS, POISON
from tests.databases import empty_views
from tests.failing_views import EVERY, failing_on
from tests.fakes.memory_log import MemoryLog
from tests.parked import Count, differing, make_generations, parked_counts, project, step, waiting
from tests.projecting import decode, event_ids, purchase
from tests.rebuilding import rebuilding, rows_of
from tests.strategies import JsonObject

UNKNOWN = "urn:newer"
"""Events of this source are of a kind that the older program does not know."""


def older_decode(stored: StoredRecord) -> RecordedEvent[Any]:
    event = decode(stored)
    if event.source == UNKNOWN:
        raise UndecodableRecordError("not of this catalogue")
    return event


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=2)
    connection = await asyncpg.connect(database_url)
    await make_generations(connection)
    yield connection
    await connection.close()


async def undecoded(connection: asyncpg.Connection, database_url: str, events: list[JsonObject]) -> MemoryLog:
    log = MemoryLog(2)
    await project(connection, database_url, log, events, decode=older_decode)
    return log


async def trail(connection: asyncpg.Connection, complaint: str) -> str | None:
    found: str | None = await connection.fetchval(
        "select array_to_string(array(select jsonb_array_elements_text(trail)), ' ') from live.complaint_trails "
        "where complaint_id = $1",
        complaint,
    )
    return found


async def test_a_record_that_can_be_decoded_now_takes_its_place_in_the_log_also_in_ordered_views(
    connection: asyncpg.Connection, database_url: str
) -> None:
    events = [
        step(1, "a"),
        step(2, "a", source=UNKNOWN),
        step(3, "a"),
        purchase(4, source=UNKNOWN),
        step(5, "b", source=UNKNOWN),
    ]
    log = await undecoded(connection, database_url, events)
    assert [error for _, error in await waiting(connection, EVERY_VIEW)] == ["UndecodableRecordError"] * 3
    assert await trail(connection, "a") == "step-1 step-3"
    done = await redrive_undecoded(connection, EVERY, decode)
    assert (done.applied, done.failed, done.parked, done.waiting) == (3, 0, 0, 0)
    assert await trail(connection, "a") == "step-1 step-2 step-3"
    assert await trail(connection, "b") == "step-5"
    assert await event_ids(connection) == ["purchase-4", "step-1", "step-2", "step-3", "step-5"]
    assert await differing(database_url, log) == {}
    assert await parked_counts(connection) == [Count(EVERY_VIEW, 0, 0, 0, 3)]


async def test_what_still_cannot_be_decoded_is_kept_and_its_attempt_counted(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(2)
    log.store(0, b"\xff\x00", b"\x1b[31mnot json")
    log.store(1, None, None)
    await project(connection, database_url, log, [purchase(1)])
    done = await redrive_undecoded(connection, EVERY, decode)
    assert (done.applied, done.failed, done.waiting) == (0, 2, 2)
    rows = await connection.fetch("select attempts, unanswered from control.parked_events")
    assert [tuple(row) for row in rows] == [(2, 0)] * 2
    assert await event_ids(connection) == ["purchase-1"]


async def test_a_record_that_was_sent_again_since_is_a_repeat_and_changes_nothing(
    connection: asyncpg.Connection, database_url: str
) -> None:
    posted = purchase(1, source=UNKNOWN)
    log = await undecoded(connection, database_url, [posted, posted])
    await project(connection, database_url, log, [posted, purchase(2)])
    done = await redrive_undecoded(connection, EVERY, decode)
    assert (done.applied, done.repeated, done.waiting) == (0, 2, 0)
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]
    assert await differing(database_url, log) == {}


async def test_a_view_that_cannot_take_it_parks_it_alone_with_what_comes_after_it_in_an_ordered_view(
    connection: asyncpg.Connection, database_url: str
) -> None:
    events = [step(1, "a"), step(2, "a", source=UNKNOWN), step(3, "a"), step(4, "a")]
    log = await undecoded(connection, database_url, events)
    failing = tuple(
        failing_on(each, ["step-2"]) if each in (COMPLAINT_TRAILS, CASE_LEDGER) else each for each in EVERY
    )
    done = await redrive_undecoded(connection, failing, decode)
    assert (done.applied, done.parked, done.waiting) == (1, 6, 0)
    assert await waiting(connection, "complaint_trails") == [
        ("step-2", "FoldFaultError"),
        ("step-3", "BehindParkedError"),
        ("step-4", "BehindParkedError"),
    ]
    assert await trail(connection, "a") == "step-1"
    assert await event_ids(connection) == ["step-1", "step-2", "step-3", "step-4"]
    assert await differing(database_url, log) == {}
    for read_model in (COMPLAINT_TRAILS, CASE_LEDGER):
        assert (await redrive(connection, read_model, decode)).waiting == 0
    assert await trail(connection, "a") == "step-1 step-2 step-3 step-4"
    assert await differing(database_url, log) == {}


async def test_behind_a_parked_event_of_its_key_it_waits_and_before_one_it_does_not(
    connection: asyncpg.Connection, database_url: str
) -> None:
    events = [
        step(1, "a", source=POISON),
        step(2, "a", source=UNKNOWN),
        step(3, "b", source=UNKNOWN),
        step(4, "b", source=POISON),
    ]
    log = await undecoded(connection, database_url, events)
    done = await redrive_undecoded(connection, EVERY, decode)
    assert (done.applied, done.parked) == (2, 2)
    assert await waiting(connection, "complaint_trails") == [
        ("step-1", "TrailBrokenError"),
        ("step-2", "BehindParkedError"),
        ("step-4", "TrailBrokenError"),
    ]
    assert (await trail(connection, "a"), await trail(connection, "b")) == (None, "step-3")
    assert await differing(database_url, log) == {}


async def test_kept_and_half_built_generations_have_it_too(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await undecoded(
        connection, database_url, [step(2, "a", source=UNKNOWN), step(3, "a"), purchase(4), purchase(5, source=UNKNOWN)]
    )  # fmt: skip
    await rebuild(rebuilding(database_url, log, read_models=EVERY))

    async def killed(bulk: Bulk, workers: int) -> None:
        await run_workers(bulk, workers)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await rebuild(rebuilding(database_url, log, read_models=EVERY, run_workers=killed))
    assert (await redrive_undecoded(connection, EVERY, decode)).applied == 2
    for read_model in EVERY:
        assert await rows_of(connection, read_model, 1) == await rows_of(connection, read_model, 2)
    assert await roll_back(connection, TIMELINE, decode) == 1
    done = await rebuild(rebuilding(database_url, log, read_models=EVERY))
    assert [(each.generation, each.comparison and each.comparison.differing) for each in done] == [
        (3, 0)
    ] * len(EVERY)


async def test_a_rebuild_that_had_just_begun_goes_on_from_what_was_redriven_before_its_first_event(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await undecoded(
        connection, database_url, [step(1, "a", source=UNKNOWN), step(2, "b"), step(3, "a")]
    )

    async def killed(_bulk: Bulk, _workers: int) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await rebuild(rebuilding(database_url, log, read_models=EVERY, run_workers=killed))
    assert (await redrive_undecoded(connection, EVERY, decode)).applied == 1
    done = await rebuild(rebuilding(database_url, log, read_models=EVERY))
    assert [(each.generation, each.comparison and each.comparison.differing) for each in done] == [
        (2, 0)
    ] * len(EVERY)


async def test_records_are_chosen_by_error(connection: asyncpg.Connection, database_url: str) -> None:
    await undecoded(connection, database_url, [purchase(1, source=UNKNOWN)])
    assert (await redrive_undecoded(connection, EVERY, decode, Wanted(error="OtherError"))).waiting == 1
    assert (
        await redrive_undecoded(connection, EVERY, decode, Wanted(error="UndecodableRecordError"))
    ).applied == 1
