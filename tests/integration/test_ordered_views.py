"""The ordered kind through the real worker: loaded, folded in the order of the log, written once, parked by key."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from msgspec import json

from services.projections.engine.generations import make_first_generation
from tests.complaint_trails import COMPLAINT_TRAILS, POISON
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, end_of, event_ids, projection, purchase, reached, worker
from tests.strategies import JsonObject

EVERY = (*READ_MODELS, COMPLAINT_TRAILS)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await make_first_generation(connection, COMPLAINT_TRAILS)
    yield connection
    await connection.close()


def step(number: int, complaint: str, type_: str = "reopened", **changed: Any) -> JsonObject:
    return purchase(
        number,
        **{
            "id": f"step-{number}",
            "type": f"complaint.{type_}",
            "data": {"complaint_id": complaint},
            **changed,
        },
    )


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


async def trails(connection: asyncpg.Connection) -> dict[str, list[str]]:
    rows = await connection.fetch("select complaint_id, steps, trail from live.complaint_trails")
    found = {row["complaint_id"]: json.decode(row["trail"]) for row in rows}
    assert {row["complaint_id"]: row["steps"] for row in rows} == {key: len(found[key]) for key in found}
    return found


@pytest.mark.parametrize("batch_events", [1, 3, 1000])
async def test_each_row_is_folded_in_the_order_of_the_log(
    connection: asyncpg.Connection, database_url: str, batch_events: int
) -> None:
    log = MemoryLog(partitions=4)
    events = [step(number, f"c{number % 3}") for number in range(12)]
    await project(connection, database_url, log, *events[:7], batch_events=batch_events)
    await project(connection, database_url, log, *events[7:], batch_events=batch_events)
    assert await trails(connection) == {
        f"c{which}": [f"step-{number}" for number in range(which, 12, 3)] for which in range(3)
    }


async def test_a_row_that_a_fold_ends_is_gone_and_may_begin_anew(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=4)
    await project(connection, database_url, log, step(1, "a"), step(2, "b"))
    await project(connection, database_url, log, step(3, "a", "closed"), step(4, "c"), step(5, "c", "closed"))
    assert await trails(connection) == {"b": ["step-2"]}
    await project(connection, database_url, log, step(6, "a"))
    assert await trails(connection) == {"a": ["step-6"], "b": ["step-2"]}


async def test_a_row_that_stays_as_it_is_is_not_written(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=4)
    await project(connection, database_url, log, step(1, "a"))
    written = await connection.fetchval("select xmin::text from complaint_trails_g1.complaint_trails")
    await project(connection, database_url, log, step(2, "a", "note_added"))
    assert await connection.fetchval("select xmin::text from complaint_trails_g1.complaint_trails") == written


@pytest.mark.parametrize("batch_events", [1, 1000])
async def test_an_event_that_a_fold_cannot_take_is_parked_with_those_behind_it(
    connection: asyncpg.Connection, database_url: str, batch_events: int
) -> None:
    log = MemoryLog(partitions=4)
    await project(
        connection,
        database_url,
        log,
        *(
            step(1, "a"),
            step(2, "b"),
            step(3, "a", source=POISON),
            step(4, "a"),
            step(5, "b"),
            step(6, "a", "closed"),
        ),
        batch_events=batch_events,
    )
    await project(connection, database_url, log, step(7, "a"), step(8, "b"), batch_events=batch_events)
    assert await trails(connection) == {"a": ["step-1"], "b": ["step-2", "step-5", "step-8"]}
    assert len(await event_ids(connection)) == 8  # the other views have them all
    parked = await connection.fetch("select * from control.parked_events order by log_offset")
    assert {(row["view"], row["stream_key"]) for row in parked} == {("complaint_trails", "complaint:a")}
    assert [(row["event_id"], row["error"], row["attempts"]) for row in parked] == [
        ("step-3", "TrailBrokenError", 1),
        ("step-4", "BehindParkedError", 0),
        ("step-6", "BehindParkedError", 0),
        ("step-7", "BehindParkedError", 0),
    ]


async def test_a_repeat_of_a_parked_event_is_not_parked_again(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=4)
    poison = step(1, "a", source=POISON)
    await project(connection, database_url, log, poison, poison)
    await project(connection, database_url, log, poison)
    assert await connection.fetchval("select count(*) from control.parked_events") == 1


async def test_a_key_whose_parked_events_are_gone_goes_on(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=4)
    await project(connection, database_url, log, step(1, "a", source=POISON), step(2, "b", source=POISON))
    await connection.execute("delete from control.parked_events where stream_key = 'complaint:a'")
    await project(connection, database_url, log, step(3, "a"), step(4, "b"))
    assert await trails(connection) == {"a": ["step-3"]}


class DiedError(BaseException):
    """The process ends here, as far as a process can tell."""


async def test_a_worker_that_dies_at_the_commit_leaves_nothing_half_done(
    connection: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MemoryLog(partitions=1)
    await append(log, [step(number, f"c{number % 2}") for number in range(6)])
    leave = asyncpg.transaction.Transaction.__aexit__
    deaths = 0

    async def dying(self: Any, kind: Any, error: Any, trace: Any) -> Any:
        nonlocal deaths
        journalled = await connection.fetchval("select count(*) from control.journal")
        held = await self._connection.fetchval("select count(*) from control.journal")
        if kind is None and held > journalled and deaths < 2:
            deaths += 1
            if deaths == 2:  # once before the commit, once after it and before anybody hears of it
                await leave(self, kind, error, trace)
            raise DiedError
        return await leave(self, kind, error, trace)

    monkeypatch.setattr(asyncpg.transaction.Transaction, "__aexit__", dying)
    for _ in range(2):
        with suppress(DiedError):
            async with worker(projection(database_url, log, read_models=EVERY, batch_events=4)) as running:
                await running
    monkeypatch.undo()
    assert deaths == 2
    assert await trails(connection) == {"c0": ["step-0", "step-2"], "c1": ["step-1", "step-3"]}
    async with worker(projection(database_url, log, read_models=EVERY)):
        await reached(connection, end_of(log))
    assert await trails(connection) == {
        "c0": ["step-0", "step-2", "step-4"],
        "c1": ["step-1", "step-3", "step-5"],
    }
    assert await event_ids(connection) == sorted(f"step-{number}" for number in range(6))
