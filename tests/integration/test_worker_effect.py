"""Exactly-once effect: repeats, restarts, poison, and what the worker leaves in PostgreSQL."""

from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from msgspec import json
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from services.projections.engine.generations import make_first_generation
from services.projections.read_models.declaration import Entries, ReadModel, Row
from services.projections.read_models.timeline import TIMELINE
from shared.envelope import RecordedEvent
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import (
    append,
    end_of,
    event_ids,
    projection,
    purchase,
    reached,
    record,
    worker,
)
from tests.strategies import PARTY_IDS


@pytest.fixture
async def connection(database_url: str) -> Any:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_an_event_delivered_twice_has_the_effect_of_one(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    projected = projection(database_url, log)
    await append(log, [purchase(1), purchase(1), purchase(2)])
    async with worker(projected):
        await reached(connection, end_of(log))
        await append(log, [purchase(2), purchase(1)])
        await reached(connection, end_of(log))
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]
    outcomes = projected.metrics.projection_events
    assert outcomes.labels(outcome="applied")._value.get() == 2
    assert outcomes.labels(outcome="repeated")._value.get() == 3


async def test_a_repeat_is_found_by_a_worker_started_later(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    for _ in range(3):
        position = await append(log, [purchase(1), purchase(2)])
        async with worker(projection(database_url, log)):
            await reached(connection, position)
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]


async def test_the_same_id_from_another_source_is_another_event(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    await append(log, [purchase(1), purchase(1, source="/store/bkk-02/pos-1")])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    assert await event_ids(connection) == ["purchase-1", "purchase-1"]


@pytest.mark.parametrize("batch_events", [1, 3, 7, 1000])
async def test_batches_cut_anywhere_leave_the_same_rows(
    connection: asyncpg.Connection, database_url: str, batch_events: int
) -> None:
    log = MemoryLog()
    await append(log, [purchase(number % 30, f"M{number % 5}") for number in range(40)])
    async with worker(projection(database_url, log, batch_events=batch_events)):
        await reached(connection, end_of(log))
    assert len(await event_ids(connection)) == 30
    places = await connection.fetch("select partition, log_offset from live.timeline order by 1, 2")
    first_seen: dict[bytes | None, tuple[int, int]] = {}
    for stored in log.records():
        first_seen.setdefault(stored.value, (stored.partition, stored.offset))
    assert [tuple(place) for place in places] == sorted(first_seen.values())


async def test_the_journal_keeps_what_the_log_value_said(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    await append(log, [purchase(1, causeid="visit-9")])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    [row] = await connection.fetch("select * from control.journal")
    value = json.decode(record(purchase(1, causeid="visit-9")).value)
    attributes = json.decode(row["attributes"])
    assert json.decode(row["data"]) == value["data"]
    assert attributes == {
        "dataschema": "urn:rapport:purchase.completed:1",
        "customer": value["customer"],
        "causeid": "visit-9",
    }
    assert row["party_id"] == row["stream_key"] == PARTY_IDS.of("member", "M1")


async def test_a_poison_record_is_parked_and_stops_nothing(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog()
    key = record(purchase(1)).key
    log.store(2, key, b"{not json")
    log.store(2, None, b"{}")
    await append(log, [purchase(1), purchase(2)])
    projected = projection(database_url, log)
    async with worker(projected):
        await reached(connection, end_of(log))
    assert await event_ids(connection) == ["purchase-1", "purchase-2"]
    parked = await connection.fetch("select * from control.parked_events order by log_offset")
    assert [(row["view"], row["partition"], row["log_offset"]) for row in parked] == [
        ("*", 2, 0),
        ("*", 2, 1),
    ]
    assert [(row["record_key"], row["record_value"]) for row in parked] == [
        (key, b"{not json"),
        (None, b"{}"),
    ]
    assert {row["error"] for row in parked} == {"UndecodableRecordError"}
    assert all(row["detail"] and row["attempts"] == 1 for row in parked)
    assert projected.metrics.projection_events.labels(outcome="parked")._value.get() == 2


async def test_a_worker_begins_again_behind_a_parked_record(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=1)
    log.store(0, b"key", b"{not json")
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    await append(log, [purchase(1)])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    assert await event_ids(connection) == ["purchase-1"]


_NUMBERS = Table(
    "numbers",
    MetaData(),
    Column("partition", Integer, primary_key=True),
    Column("log_offset", BigInteger, primary_key=True),
    Column("said", Text),
)


def _refused_by_postgres(event: RecordedEvent[Any]) -> Row:
    said = "a NUL: \0" if event.id == "purchase-3" else event.id
    return {"partition": event.partition, "log_offset": event.offset, "said": said}


def _raises(event: RecordedEvent[Any]) -> Row:
    if event.id == "purchase-3":
        raise ValueError("no\0good")
    return {"partition": event.partition, "log_offset": event.offset, "said": event.id}


@pytest.mark.parametrize(
    ("row", "error"), [(_refused_by_postgres, "RowsRefusedError"), (_raises, "ValueError")]
)
async def test_an_event_one_view_cannot_take_stops_its_stream_key_in_that_view_alone(
    connection: asyncpg.Connection, database_url: str, row: Any, error: str
) -> None:
    numbers = ReadModel("numbers", 1, Entries(row), _NUMBERS, TIMELINE.consumes)
    async with connection.transaction():
        await make_first_generation(connection, numbers)
    log = MemoryLog()
    await append(log, [purchase(number, f"M{number % 2}") for number in range(8)])
    projected = projection(database_url, log, read_models=(*READ_MODELS, numbers))
    async with worker(projected):
        await reached(connection, end_of(log))
        await append(log, [purchase(8, "M0"), purchase(9, "M1")])
        await reached(connection, end_of(log))
    assert len(await event_ids(connection)) == 10
    said = await connection.fetch("select said from live.numbers order by 1")
    assert [row["said"] for row in said] == [f"purchase-{number}" for number in (0, 1, 2, 4, 6, 8)]
    parked = await connection.fetch("select * from control.parked_events order by log_offset")
    assert {(row["view"], row["stream_key"]) for row in parked} == {("numbers", PARTY_IDS.of("member", "M1"))}
    assert [(row["event_id"], row["error"], row["attempts"]) for row in parked] == [
        ("purchase-3", error, 1),
        ("purchase-5", "BehindParkedError", 0),
        ("purchase-7", "BehindParkedError", 0),
        ("purchase-9", "BehindParkedError", 0),
    ]
    assert projected.metrics.projection_events.labels(outcome="parked")._value.get() == 4


async def test_events_a_view_does_not_consume_are_journalled_only(
    connection: asyncpg.Connection, database_url: str
) -> None:
    refunds = frozenset(each for each in TIMELINE.consumes if each.TYPE == "purchase.refunded")
    log = MemoryLog()
    await append(log, [purchase(1)])
    others = tuple(each for each in READ_MODELS if each is not TIMELINE)
    selective = (replace(TIMELINE, consumes=refunds), *others)
    async with worker(projection(database_url, log, read_models=selective)):
        await reached(connection, end_of(log))
    assert await event_ids(connection) == []
    assert await connection.fetchval("select count(*) from control.journal") == 1


async def test_each_batch_announces_the_position_it_reached(
    connection: asyncpg.Connection, database_url: str
) -> None:
    heard: list[str] = []
    await connection.add_listener("rapport_positions", lambda *said: heard.append(str(said[-1])))
    log = MemoryLog(partitions=1)
    await append(log, [purchase(1)])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
        await append(log, [purchase(2)])
        await reached(connection, end_of(log))
    assert heard == ["0:1", "0:2"]
