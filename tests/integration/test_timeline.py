"""Reading timelines from PostgreSQL: items, filters, pages, cases."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from msgspec import json

from services.projections.read_models.timeline import Filters, Keyset, known, page
from tests.databases import empty_views
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, end_of, projection, purchase, reached, worker
from tests.strategies import PARTY_IDS, JsonObject

M1, M2 = PARTY_IDS.of("member", "M1"), PARTY_IDS.of("member", "M2")


class Timelines:
    """A database with whatever events were given."""

    def __init__(self, database_url: str, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self._url = database_url
        self._log = MemoryLog()

    async def given(self, *events: JsonObject) -> None:
        await append(self._log, events)
        async with worker(projection(self._url, self._log)):
            await reached(self.connection, end_of(self._log))

    async def ids(self, parties: list[str], filters: Filters | None = None, **how: Any) -> list[str]:
        read = await page(self.connection, parties, filters or Filters(), **how)
        return [item["event_id"] for item in json.decode(read.items)]


@pytest.fixture
async def timelines(database_url: str) -> AsyncIterator[Timelines]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    yield Timelines(database_url, connection)
    await connection.close()


def event(number: int, type_: str, **data: Any) -> JsonObject:
    return purchase(number, type=type_, id=f"{type_}-{number}", data=data)


async def test_an_item_has_exactly_the_members_of_the_contract(timelines: Timelines) -> None:
    posted = purchase(1)
    posted["data"] |= {"direction": "inbound", "staff": "kim", "location": "hq/gz-03"}
    await timelines.given(posted)
    read = await page(timelines.connection, [M1])
    assert json.decode(read.items) == [
        {
            "event_id": "purchase-1",
            "source": "/store/bkk-01/pos-3",
            "type": "purchase.completed",
            "time": "2024-04-30T22:00:01Z",
            "recorded_time": "2024-05-01T12:00:00Z",
            "channel": "store",
            "direction": "inbound",
            "category": "sales",
            "summary": "Bought something for EUR 12.50 (order o-1)",
            "staff": "kim",
            "location": "hq/gz-03",
            "party_id": M1,
            "data": {
                name: value for name, value in posted["data"].items() if name not in ("customer", "lines")
            }
            | {"lines": []},
        }
    ]
    assert list(json.decode(read.items)[0]) == [
        "event_id", "source", "type", "time", "recorded_time", "channel", "direction", "category", "summary",
        "staff", "location", "party_id", "data",
    ]  # fmt: skip
    assert read.next is None
    assert read.position.offsets


async def test_a_timeline_is_of_its_parties_alone_newest_first_unless_asked_otherwise(
    timelines: Timelines,
) -> None:
    await timelines.given(purchase(2), purchase(1), purchase(3, "M2"), purchase(4, "M3"))
    assert await timelines.ids([M1]) == ["purchase-2", "purchase-1"]
    assert await timelines.ids([M1, M2]) == ["purchase-3", "purchase-2", "purchase-1"]
    assert await timelines.ids([M1, M2], ascending=True) == ["purchase-1", "purchase-2", "purchase-3"]
    assert await timelines.ids([]) == []


async def test_a_party_is_known_once_an_event_names_it(timelines: Timelines) -> None:
    await timelines.given(purchase(1))
    assert await known(timelines.connection, M1)
    assert not await known(timelines.connection, M2)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(channel="web"), [2]),
        (Filters(type="interaction.recorded"), [3]),
        (Filters(category="sales"), [2, 1]),
        (Filters(category="service"), [3]),
        (Filters(since=datetime(2024, 4, 30, 22, 0, 2, tzinfo=UTC)), [3, 2]),
        (Filters(until=datetime(2024, 4, 30, 22, 0, 2, tzinfo=UTC)), [1]),
        (Filters(channel="store", category="sales", since=datetime(2024, 1, 1, tzinfo=UTC)), [1]),
        (Filters(channel="fax"), []),
    ],
)
async def test_filters_keep_what_they_name(
    timelines: Timelines, filters: Filters, expected: list[int]
) -> None:
    visit = {"customer": [{"type": "member", "value": "M1"}], "kind": "visit", "category": "service"}
    await timelines.given(
        purchase(1),
        purchase(2, channel="web"),
        purchase(3, type="interaction.recorded", data=visit),
    )
    assert await timelines.ids([M1], filters) == [f"purchase-{number}" for number in expected]


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_pages_neither_repeat_nor_skip_even_where_times_are_equal(
    timelines: Timelines, limit: int, *, ascending: bool
) -> None:
    same_time = {"time": "2024-05-01T00:00:00Z"}
    await timelines.given(
        *(purchase(number, f"M{number % 3}", **(same_time if number % 4 else {})) for number in range(20))
    )
    parties = [PARTY_IDS.of("member", f"M{number}") for number in range(3)]
    whole = await timelines.ids(parties, limit=200, ascending=ascending)
    assert len(whole) == 20
    seen: list[str] = []
    after: Keyset | None = None
    while True:
        read = await page(timelines.connection, parties, after=after, limit=limit, ascending=ascending)
        seen += [item["event_id"] for item in json.decode(read.items)]
        after = read.next
        if after is None:
            break
    assert seen == whole
    assert len(set(seen)) == 20


async def test_pages_already_begun_skip_nothing_while_events_arrive(timelines: Timelines) -> None:
    await timelines.given(*(purchase(number) for number in range(10, 16)))
    first = await page(timelines.connection, [M1], limit=3)
    await timelines.given(*(purchase(number) for number in range(20, 25)))
    second = await page(timelines.connection, [M1], after=first.next, limit=10)
    ids = [item["event_id"] for read in (first, second) for item in json.decode(read.items)]
    assert ids == [f"purchase-{number}" for number in range(15, 9, -1)]


async def test_cases_and_their_tasks_are_on_the_customers_timeline(timelines: Timelines) -> None:
    customer = [{"type": "member", "value": "M1"}]
    task = {"title": "Call", "due_at": "2024-06-01T10:00:00Z", "assignee": {"person": "kim"}}
    opened = {"summary": "Cold", "cause": "other", "severity": "low"}
    await timelines.given(
        event(1, "complaint.opened", complaint_id="c1", customer=customer, **opened),
        event(2, "complaint.started", complaint_id="c1", staff="kim"),
        event(3, "task.created", task_id="t1", complaint_id="c1", **task),
        event(4, "task.completed", task_id="t1"),
        event(5, "task.created", task_id="t2", customer=customer, **task),
        event(6, "task.cancelled", task_id="t2"),
        event(7, "loyalty.enrolled", account_id="m-1", programme="circle"),
        event(
            8, "complaint.opened", complaint_id="c2", customer=[{"type": "member", "value": "M2"}], **opened
        ),
        event(9, "task.completed", task_id="t9"),
    )
    found = await timelines.ids([M1])
    assert [each.rpartition("-")[2] for each in found] == ["7", "6", "5", "4", "3", "2", "1"]
    assert [each.rpartition("-")[2] for each in await timelines.ids([M2])] == ["8"]


async def test_times_of_the_far_past_and_future_are_utc_with_z(timelines: Timelines) -> None:
    early, late = "1900-01-02T03:04:05.000006+05:00", "9999-12-30T23:59:59-10:00"
    await timelines.given(purchase(1, time=early), purchase(2, time=late))
    read = json.decode((await page(timelines.connection, [M1])).items)
    assert [item["time"] for item in read] == ["9999-12-31T09:59:59Z", "1900-01-01T22:04:05.000006Z"]
    assert all(a["time"] > b["time"] for a, b in pairwise(read))
