"""Lists of complaints over HTTP: filters, what is overdue, and pages that go on while events arrive."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.projections.complaints.list_queries import Filters, Place, list_query
from tests.api_reader import CUSTOMER, M1, M2, Reader
from tests.complaining import acknowledged, assigned, at, complaint_desk, happened, opened, resolved
from tests.redeeming import Hand

LIST = "/v1/complaints"
OF_M1 = f"/v1/customers/{CUSTOMER}/complaints"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[tuple[Reader, Hand]]:
    async with complaint_desk(database_url) as made:
        yield made


@pytest.fixture
def reader(desk: tuple[Reader, Hand]) -> Reader:
    return desk[0]


@pytest.fixture
def hand(desk: tuple[Reader, Hand]) -> Hand:
    return desk[1]


async def page(reader: Reader, path: str = LIST, **query: Any) -> Any:
    answer = await reader.get(path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(reader: Reader, path: str = LIST, **query: Any) -> list[str]:
    """The ids of all pages, two complaints a page."""
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = await page(reader, path, limit=2, **query, **cursor)
        assert len(answer["items"]) <= 2
        found += [each["complaint_id"] for each in answer["items"]]
        if answer["next_cursor"] is None:
            return found
        cursor = {"cursor": answer["next_cursor"]}


async def test_complaints_are_listed_newest_first_by_each_filter(reader: Reader) -> None:
    await reader.given(
        opened("09:00", "C-1"),
        opened("09:10", "C-2", severity="critical"),
        opened("09:10", "C-3", member="M2"),
        opened("09:20", "C-4"),
        opened("09:30", "C-5"),
        acknowledged("09:40", "C-1"),
        assigned("09:40", "C-2", "province", person="kim", department="kitchen"),
        assigned("09:40", "C-3", person="kitchen"),
        assigned("09:40", "C-4", person="both", department="both"),
        resolved("09:50", "C-5"),
    )
    assert await ids(reader) == ["C-5", "C-4", "C-3", "C-2", "C-1"]
    for query, expected in (
        ({"status": "acknowledged"}, ["C-1"]),
        ({"status": "withdrawn"}, []),
        ({"severity": "critical"}, ["C-2"]),
        ({"level": "province"}, ["C-2"]),
        ({"assignee": "kim"}, ["C-2"]),
        ({"assignee": "kitchen"}, ["C-3", "C-2"]),
        ({"assignee": "both"}, ["C-4"]),
        ({"opened_from": "2024-01-08T09:10:00Z", "opened_to": "2024-01-08T09:30:00Z"}, ["C-4", "C-3", "C-2"]),
        ({"status": "open", "assignee": "kitchen", "severity": "normal"}, ["C-3"]),
        ({"opened_to": "2024-01-08T16:20:00+07:00"}, ["C-3", "C-2", "C-1"]),
    ):
        assert await ids(reader, **query) == expected, query


async def test_an_item_shows_the_clocks_of_its_present_round_as_of_now(reader: Reader, hand: Hand) -> None:
    await reader.given(opened("09:00"), resolved("10:00"), happened("reopened", "11:00"))
    hand.now = at("16:00")
    [item] = (await page(reader))["items"]
    assert (item["customer_id"], item["party_id"], item["state"]) == (CUSTOMER, M1, "in_progress")
    assert [(each["name"], each["round"], each["status"]) for each in item["clocks"]] == [
        ("first_response", 1, "met"),
        ("resolution", 2, "running"),
        ("final_response", 1, "met"),
    ]
    assert item["next_due_at"] == "2024-01-09T11:00:00Z"


async def test_the_overdue_are_listed_soonest_deadline_first_as_time_goes_by(
    reader: Reader, hand: Hand
) -> None:
    await reader.given(
        opened("09:00", "late"),  # a first response by 13:00
        opened("10:00", "first", severity="critical"),  # by 11:00
        opened("09:30", "answered"),
        acknowledged("10:30", "answered"),  # a resolution by 09:30 tomorrow
        opened("09:00", "waiting"),
        acknowledged("09:00", "waiting"),
        happened("customer_awaited", "09:10", "waiting"),
        opened("09:00", "done"),
        resolved("16:00", "done"),  # late, but ended
    )
    hand.now = at("11:00")
    assert await ids(reader, overdue="true") == []
    hand.now = at("11:01")
    assert await ids(reader, overdue="true") == ["first"]
    hand.now = at("13:01")
    assert await ids(reader, overdue="true") == ["first", "late"]
    assert await ids(reader, overdue="false") == ["answered", "waiting", "done"]
    assert await ids(reader, due_within=0) == ["first", "late"]
    assert await ids(reader, due_within=1_300) == ["first", "late", "answered"]
    hand.now = at("2024-01-09T12:00")
    assert await ids(reader, overdue="true") == ["first", "late", "answered"]


async def test_pages_of_the_overdue_neither_repeat_nor_skip_while_events_arrive(
    reader: Reader, hand: Hand
) -> None:
    await reader.given(*(opened(f"09:{number:02}", f"C-{number}") for number in range(6)))
    hand.now = at("13:03")
    first = await page(reader, overdue="true", limit=2)
    assert [each["complaint_id"] for each in first["items"]] == ["C-0", "C-1"]
    hand.now = at("16:00")
    await reader.given(
        acknowledged("13:04", "C-0"),  # was on the first page
        resolved("13:04", "C-2"),  # would have been on the second
        opened("08:00", "new"),  # belongs before what was shown
    )
    second = await page(reader, overdue="true", limit=2, cursor=first["next_cursor"])
    # C-3 was due at 13:03 exactly, and what fell due since is in the next list.
    assert ([each["complaint_id"] for each in second["items"]], second["next_cursor"]) == ([], None)
    assert await ids(reader, overdue="true") == ["new", "C-1", "C-3", "C-4", "C-5"]


async def test_who_is_overdue_twice_is_shown_once_though_the_first_deadline_ends_while_somebody_pages(
    reader: Reader, hand: Hand
) -> None:
    await reader.given(
        *(opened(f"09:0{number}", f"C-{number}") for number in range(4)),
        acknowledged("2024-01-09T09:30", "C-3"),  # missed before, so that it has its place by its resolution
    )
    hand.now = at(
        "2024-01-09T12:00"
    )  # a first response was due at 13:00, a resolution at 17:00 or the next morning
    first = await page(reader, overdue="true", limit=2)
    hand.move(minutes=10)
    await reader.given(*(acknowledged("2024-01-09T12:05", f"C-{number}") for number in (0, 2)))
    second = await page(reader, overdue="true", cursor=first["next_cursor"])
    shown = [each["complaint_id"] for each in first["items"] + second["items"]]
    assert (shown, second["next_cursor"]) == (["C-0", "C-1", "C-2", "C-3"], None)


async def test_pages_of_a_list_neither_repeat_nor_skip_while_complaints_arrive(reader: Reader) -> None:
    await reader.given(*(opened("09:00", f"C-{number}") for number in range(5)))
    first = await page(reader, limit=2)
    await reader.given(
        opened("10:00", "C-9"), acknowledged("10:00", "C-3"), assigned("10:10", "C-0", person="kim")
    )
    second = await page(reader, limit=3, cursor=first["next_cursor"])
    shown = [each["complaint_id"] for each in first["items"] + second["items"]]
    assert (shown, second["next_cursor"]) == (["C-4", "C-3", "C-2", "C-1", "C-0"], None)


async def test_a_customer_is_shown_their_own_complaints(reader: Reader) -> None:
    await reader.given(
        *(opened(f"09:0{number}", f"C-{number}") for number in range(3)),
        opened("09:00", "other", member="M2"),
    )
    assert await ids(reader, OF_M1) == ["C-2", "C-1", "C-0"]
    assert await ids(reader, f"/v1/customers/{M2}/complaints") == ["other"]
    answer = await reader.get(f"/v1/customers/{M1.replace('a', 'b')[:-1]}q/complaints")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


async def test_early_events_and_cases_without_an_opening_are_in_no_list(reader: Reader) -> None:
    await reader.given(acknowledged("09:00"))
    assert await ids(reader) == await ids(reader, overdue="false") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"state": "open"}, "invalid_parameter"),
        ({"status": "opened"}, "invalid_parameter"),
        ({"severity": "huge"}, "invalid_parameter"),
        ({"level": "city"}, "invalid_parameter"),
        ({"assignee": ""}, "invalid_parameter"),
        ({"assignee": "\0"}, "invalid_parameter"),
        ({"assignee": "x" * 129}, "invalid_parameter"),
        ({"overdue": "yes"}, "invalid_parameter"),
        ({"due_within": "-1"}, "invalid_parameter"),
        ({"opened_from": "2024-01-08"}, "invalid_parameter"),
        ({"opened_from": "2024-01-09T00:00:00Z", "opened_to": "2024-01-08T00:00:00Z"}, "invalid_parameter"),
        ({"limit": "0"}, "invalid_parameter"),
        ({"limit": "201"}, "invalid_parameter"),
        ({"cursor": "AAAA"}, "invalid_cursor"),
    ],
)
async def test_what_cannot_be_listed_is_refused_with_the_name_of_it(
    reader: Reader, query: dict[str, Any], code: str
) -> None:
    answer = await reader.get(LIST, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    if code == "invalid_parameter":
        assert answer.json()["errors"][0]["parameter"] in query


async def test_a_cursor_is_good_for_its_own_list_alone(reader: Reader) -> None:
    await reader.given(*(opened("09:00", f"C-{number}") for number in range(3)))
    cursor = (await page(reader, status="open", limit=1))["next_cursor"]
    path: str
    query: dict[str, Any]
    assert (await reader.get(LIST, status="open", cursor=cursor)).status_code == 200
    for path, query in (
        (LIST, {}),
        (LIST, {"status": "open", "overdue": "false"}),
        (LIST, {"severity": "normal"}),
        (OF_M1, {}),
        ("/v1/tasks", {}),
    ):
        answer = await reader.get(path, **{**query, "cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor"), (path, query)


@pytest.fixture
async def many(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A database of 20,000 complaints, of which a quarter are overdue at noon."""
    async with complaint_desk(database_url) as (reader, _):
        await reader.given(opened("09:00"))
        connection = await asyncpg.connect(database_url)
        table = await connection.fetchval(
            "select table_schema || '.' || table_name from information_schema.view_table_usage "
            "where view_schema = 'live' and view_name = 'complaints'"
        )
        columns = await connection.fetchval(
            "select string_agg(quote_ident(column_name), ', ') from information_schema.columns "
            "where table_schema || '.' || table_name = $1 "
            "and column_name not in ('complaint_id', 'next_due_at', 'opened_at', 'assignee_person')",
            table,
        )
        await connection.execute(
            f"""
            insert into {table} (complaint_id, next_due_at, opened_at, assignee_person, {columns})
            select 'X-' || number, case when number % 2 = 0 then opened_at + number * interval '1.5 s' end,
                opened_at - number * interval '1 s', 'person-' || number % 1000, {columns}
            from {table}, generate_series(1, 20000) number
            """  # noqa: S608 - names from the catalogue
        )
        await connection.execute(f"analyze {table}")
        yield connection
        await connection.close()


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (Filters(overdue=True), "complaints_due"),
        (Filters(due_within=120), "complaints_due"),
        (Filters(overdue=True, severity="normal"), "complaints_due"),
        (Filters(), "complaints_opened"),
        (Filters(opened_from=at("09:00")), "complaints_opened"),
        (Filters(assignee="person-7"), "complaints_of_person"),
        (Filters(parties=["pty_x"]), "complaints_of_party"),
    ],
)
async def test_lists_are_served_by_an_index_however_many_complaints_there_are(
    many: asyncpg.Connection, filters: Filters, index: str
) -> None:
    for after in (None, Place(1704710000000000, "C-1", 1704715200000000)):
        query = list_query(filters, at("12:00"), after=after)
        plan = "\n".join(row[0] for row in await many.fetch(f"explain {query.statement}", *query.arguments))
        assert "Seq Scan" not in plan, plan
        assert index in plan, plan
