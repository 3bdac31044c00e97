"""The ledger kind through the real worker and rebuild: rows on demand, entries kept, parked by key, compared whole."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.projections.engine.generations import make_first_generation
from services.projections.engine.rebuild import rebuild
from tests.case_ledger import CASE_LEDGER, POISON
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, end_of, projection, purchase, reached, worker
from tests.rebuilding import rebuilding, rows_of
from tests.strategies import JsonObject

EVERY = (*READ_MODELS, CASE_LEDGER)
Steps = list[tuple[str, int, int]]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await make_first_generation(connection, CASE_LEDGER)
    yield connection
    await connection.close()


def step(number: int, complaint: str, type_: str = "reopened", source: str | None = None) -> JsonObject:
    named = {} if source is None else {"source": source}
    data = {"complaint_id": complaint, **({"staff": "clerk"} if type_ == "acknowledged" else {})}
    return purchase(number, id=f"step-{number}", type=f"complaint.{type_}", data=data, **named)


async def project(
    connection: asyncpg.Connection,
    database_url: str,
    log: MemoryLog,
    *events: JsonObject,
    batch_events: int = 5000,
) -> None:
    await append(log, events)
    async with worker(projection(database_url, log, read_models=EVERY, batch_events=batch_events)):
        await reached(connection, end_of(log))


async def steps_of(connection: asyncpg.Connection, complaint: str) -> list[tuple[int, int]]:
    rows = await connection.fetch(
        "select step, of_its_type from live.case_steps where complaint_id = $1 order by log_offset", complaint
    )
    return [tuple(row) for row in rows]


async def counts_of(connection: asyncpg.Connection, complaint: str) -> dict[str, int]:
    rows = await connection.fetch(
        "select what, steps from live.case_counts where complaint_id = $1", complaint
    )
    return {row["what"]: row["steps"] for row in rows}


@pytest.mark.parametrize("batch_events", [1, 3, 1000])
async def test_an_event_finds_rows_that_it_did_not_name_and_adds_entries(
    connection: asyncpg.Connection, database_url: str, batch_events: int
) -> None:
    log = MemoryLog(partitions=4)
    events = [
        step(number, f"c{number % 3}", ("reopened", "acknowledged")[number % 2]) for number in range(12)
    ]
    await project(connection, database_url, log, *events[:7], batch_events=batch_events)
    await project(connection, database_url, log, *events[7:], batch_events=batch_events)
    for complaint in ("c0", "c1", "c2"):
        assert await counts_of(connection, complaint) == {
            "whole": 4,
            "complaint.reopened": 2,
            "complaint.acknowledged": 2,
        }
        assert await steps_of(connection, complaint) == [(1, 1), (2, 1), (3, 2), (4, 2)]


async def test_rows_that_a_fold_ends_are_gone_and_their_entries_are_not(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=4)
    await project(connection, database_url, log, step(1, "a"), step(2, "a", "closed"), step(3, "a"))
    assert await counts_of(connection, "a") == {"whole": 1, "complaint.reopened": 2}
    assert await steps_of(connection, "a") == [(1, 1), (2, 1), (1, 2)]


@pytest.mark.parametrize("batch_events", [1, 1000])
async def test_an_event_that_a_fold_cannot_take_is_parked_with_those_behind_it(
    connection: asyncpg.Connection, database_url: str, batch_events: int
) -> None:
    log = MemoryLog(partitions=4)
    events = [step(1, "a"), step(2, "b"), step(3, "a", source=POISON), step(4, "a"), step(5, "b")]
    await project(connection, database_url, log, *events, batch_events=batch_events)
    assert await steps_of(connection, "a") == [(1, 1)]
    assert await steps_of(connection, "b") == [(1, 1), (2, 2)]
    parked = await connection.fetch("select event_id, error from control.parked_events order by log_offset")
    assert [tuple(row) for row in parked] == [("step-3", "CaseBrokenError"), ("step-4", "BehindParkedError")]


@pytest.mark.parametrize("source", ["log", "journal"])
async def test_a_rebuilt_ledger_equals_the_live_one_in_all_its_tables(
    connection: asyncpg.Connection, database_url: str, source: str
) -> None:
    log = MemoryLog(partitions=4)
    types = ("reopened", "acknowledged", "reopened", "closed", "reopened")
    await project(
        connection,
        database_url,
        log,
        *(step(number, f"c{number % 7}", types[number % 5]) for number in range(90)),
        batch_events=11,
    )
    [done] = await rebuild(rebuilding(database_url, log, read_models=[CASE_LEDGER], source=source))
    rows = await rows_of(connection, CASE_LEDGER, 1)
    assert await rows_of(connection, CASE_LEDGER, 2) == rows
    assert done.comparison is not None
    assert (done.comparison.rows, done.comparison.differing) == (len(rows), 0)
    assert len(rows) > 90


async def test_a_comparison_names_the_table_of_an_entry_changed_by_hand(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=4)
    await project(connection, database_url, log, step(1, "a"), step(2, "a"))
    await connection.execute("update live.case_steps set step = 9 where step = 2")
    [done] = await rebuild(rebuilding(database_url, log, read_models=[CASE_LEDGER]))
    assert done.comparison is not None
    assert [(each.table, each.how) for each in done.comparison.keys] == [("case_steps", "changed")]
