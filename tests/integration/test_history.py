"""Histories read from the journal: which events belong to one, states as of a time, by index and in bounded memory."""

import tracemalloc
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from msgspec import json

from services.projections.control import journal
from services.projections.engine.batch import JOURNAL_COLUMNS, entry_of
from services.projections.engine.history import Subject, inspect
from services.projections.engine.writing import add_rows
from services.projections.history import reading, ties
from services.projections.history.as_of import folded_as_of
from services.projections.history.folding import HistoryFold, HistoryTooLargeError
from services.projections.history.reading import EVERYTHING, Horizon, JournalledEvent, journalled_events
from services.projections.history.ties import TooManyStreamKeysError, stream_keys_of
from services.projections.read_models.declaration import Key, Row
from services.projections.read_models.timeline import page
from shared.log.partitioning import partition_of
from tests.channel_totals import CHANNEL_TOTALS
from tests.complaint_trails import COMPLAINT_TRAILS
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, decode, end_of, projection, purchase, reached, worker
from tests.strategies import PARTY_IDS, JsonObject, record_of

PARTITIONS = 4
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
M1 = PARTY_IDS.of("member", "M1")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=PARTITIONS)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def journal_of(connection: asyncpg.Connection, posted: Iterable[JsonObject]) -> None:
    """Puts events straight into an empty journal, recorded a minute after each other."""
    ends = [0] * PARTITIONS
    rows = []
    for event in posted:
        record = record_of(event)
        partition = partition_of(record.key or b"", PARTITIONS)
        entry = entry_of(record._replace(partition=partition, offset=ends[partition]), decode, ())
        ends[partition] += 1
        assert entry.journal is not None
        rows.append(entry.journal)
    place = JOURNAL_COLUMNS.index("recorded_time")
    timed = [
        (*row[:place], NOON + timedelta(minutes=number), *row[place + 1 :]) for number, row in enumerate(rows)
    ]
    await add_rows(connection, journal, JOURNAL_COLUMNS, timed)


def step(number: int, complaint: str, *, at: datetime = NOON, **changed: Any) -> JsonObject:
    return purchase(
        number,
        **{
            "id": f"step-{number}",
            "type": "complaint.reopened",
            "time": at.isoformat(),
            "data": {"complaint_id": complaint},
            **changed,
        },
    )


async def events_of(
    connection: asyncpg.Connection, keys: Sequence[str], horizon: Horizon = EVERYTHING
) -> list[JournalledEvent]:
    async with connection.transaction():
        return [
            each async for chunk in journalled_events(connection, keys, horizon, decode) for each in chunk
        ]


def folded(events: Iterable[JournalledEvent]) -> dict[Key, Row]:
    history = HistoryFold(COMPLAINT_TRAILS)
    for each in events:
        history.take(each)
    return {key: row for key, row in history.rows.items() if row is not None}


async def test_states_as_of_a_time_are_folded_from_exactly_the_events_that_had_happened_and_were_known(
    connection: asyncpg.Connection,
) -> None:
    # They happened in another order than they were recorded in.
    events = [
        step(
            number,
            f"c{number % 3}",
            at=NOON + timedelta(hours=number * 7 % 24),
            type="complaint.closed" if number % 8 == 7 else "complaint.reopened",
        )
        for number in range(24)
    ]
    await journal_of(connection, events)
    keys = ["complaint:c0", "complaint:c1"]
    everything = await events_of(connection, keys)
    assert len(everything) == 16
    assert [(each.event.partition, each.event.offset) for each in everything] == sorted(
        (each.event.partition, each.event.offset) for each in everything
    )
    happened = [NOON + timedelta(hours=hours) for hours in (-1, 0, 5, 11, 23)]
    recorded = [NOON + timedelta(minutes=minutes) for minutes in (-1, 0, 13, 23)]
    for as_of in (None, *happened):
        for known_at in (None, *recorded):
            within = [
                each
                for each in everything
                if (as_of is None or each.event.time <= as_of)
                and (known_at is None or each.event.recorded_time <= known_at)
            ]
            found = await folded_as_of(connection, COMPLAINT_TRAILS, keys, Horizon(as_of, known_at), decode)
            assert (found.rows, found.events) == (folded(within), len(within))
    latest = await folded_as_of(connection, COMPLAINT_TRAILS, keys, EVERYTHING, decode)
    assert latest.rows != (await folded_as_of(connection, COMPLAINT_TRAILS, keys, Horizon(NOON), decode)).rows


async def test_a_customer_is_its_party_its_cases_and_the_tasks_of_those(
    connection: asyncpg.Connection,
) -> None:
    customer = [{"type": "member", "value": "M1"}]
    task = {"title": "call", "due_at": "2024-05-02T12:00:00Z", "assignee": {"person": "p-1"}}
    opened = {"summary": "cold soup", "cause": "other", "severity": "low"}
    await journal_of(
        connection,
        [
            purchase(0),
            purchase(1, "M2"),
            step(
                2,
                "mine",
                type="complaint.opened",
                data={"complaint_id": "mine", "customer": customer, **opened},
            ),
            step(3, "mine"),
            step(4, "other"),
            step(5, "", type="task.created", data={"task_id": "of-mine", "complaint_id": "mine", **task}),
            step(6, "", type="task.created", data={"task_id": "of-other", "complaint_id": "other", **task}),
            step(7, "", type="task.created", data={"task_id": "my-own", "customer": customer, **task}),
            step(8, "", type="task.completed", data={"task_id": "of-mine", "outcome": "called"}),
        ],
    )
    keys = await stream_keys_of(connection, [M1])
    assert keys == sorted([M1, "complaint:mine", "task:of-mine", "task:my-own"])
    assert {each.event.id for each in await events_of(connection, keys)} == {
        "purchase-0",
        *(f"step-{number}" for number in (2, 3, 5, 7, 8)),
    }
    with pytest.raises(TooManyStreamKeysError, match="more than 3 complaints and tasks"):
        await stream_keys_of(connection, [M1], most=3)


async def test_a_customers_history_has_what_its_timeline_shows(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=PARTITIONS)
    customer = [{"type": "member", "value": "M1"}]
    await append(
        log,
        [
            *(purchase(number, f"M{number % 3}") for number in range(9)),
            step(10, "a", type="complaint.note_added", data={"complaint_id": "a", "customer": customer}),
            step(11, "a"),
            step(12, "b"),
        ],
    )
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    shown = json.decode((await page(connection, [M1], limit=50)).items)
    found = await inspect(connection, READ_MODELS, Subject("M1", (M1,)), EVERYTHING, decode, most=50)
    assert [each.event.id for each in found.events] == [item["event_id"] for item in shown]
    assert found.event_count == len(found.events) == 5


@pytest.mark.parametrize("analyzed", [False, True])
async def test_histories_are_found_by_index(connection: asyncpg.Connection, *, analyzed: bool) -> None:
    await journal_of(connection, (purchase(number, f"M{number % 500}") for number in range(5000)))
    if analyzed:
        await connection.execute("analyze control.journal")
    plans = [
        await _plan(connection, reading._EVENTS, keys, NOON, None, ["timeline"])
        for keys in ([M1], [PARTY_IDS.of("member", f"M{number}") for number in range(200)])
    ]
    plans.append(await _plan(connection, ties._STREAM_KEYS, [M1], 100))
    for plan in plans:
        assert "Seq Scan on journal" not in plan
    assert "journal_stream" in plans[0]
    assert "journal_stream" in plans[1]
    assert "journal_named_party" in plans[2]
    assert "journal_task_complaint" in plans[2]


async def _plan(connection: asyncpg.Connection, statement: str, *arguments: Any) -> str:
    return "\n".join(row[0] for row in await connection.fetch(f"explain {statement}", *arguments))


async def test_a_history_is_one_snapshot_however_long_it_is_read(
    connection: asyncpg.Connection, database_url: str
) -> None:
    await journal_of(connection, (purchase(number) for number in range(1200)))
    other = await asyncpg.connect(database_url)
    seen = 0
    async with connection.transaction():
        async for chunk in journalled_events(connection, [M1], EVERYTHING, decode):
            seen += len(chunk)
            await other.execute("delete from control.journal")
    await other.close()
    assert seen == 1200


async def test_a_long_history_takes_no_more_memory_than_a_short_one(connection: asyncpg.Connection) -> None:
    await journal_of(connection, (purchase(number) for number in range(12_000)))
    await inspect(connection, READ_MODELS, _key(M1), Horizon(NOON - timedelta(days=9)), decode, most=10)
    tracemalloc.start()
    try:
        found = await inspect(connection, READ_MODELS, _key(M1), EVERYTHING, decode, most=10)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.event_count, len(found.events)) == (12_000, 10)
    assert peak_bytes < 8 * 2**20  # some chunks of 500 events


def _key(stream_key: str) -> Subject:
    return Subject(f"stream key {stream_key}", stream_key=stream_key)


async def test_more_entries_than_fit_are_refused_rather_than_held(connection: asyncpg.Connection) -> None:
    await journal_of(connection, (purchase(number) for number in range(20)))
    [timeline] = [each for each in READ_MODELS if each.name == "timeline"]
    with pytest.raises(HistoryTooLargeError, match="more than 10 entries of timeline"):
        await folded_as_of(connection, timeline, [M1], EVERYTHING, decode, most_rows=10)


async def test_rows_that_others_feed_too_come_to_this_historys_part(connection: asyncpg.Connection) -> None:
    await journal_of(connection, [purchase(number, f"M{number % 2}") for number in range(6)])
    found = await folded_as_of(connection, CHANNEL_TOTALS, [M1], EVERYTHING, decode)
    assert found.rows == {("store",): {"events": 3, "types": {"purchase.completed": 3}}}
