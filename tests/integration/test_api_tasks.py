"""Tasks over HTTP: what is to be done, by whom, until when, and for which customer."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api_reader import CUSTOMER, M1, M2, Reader
from tests.complaining import complaint_desk, created, opened, task
from tests.redeeming import Hand

LIST = "/v1/tasks"
OF_M1 = f"/v1/customers/{CUSTOMER}/tasks"


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


async def ids(reader: Reader, path: str = LIST, **query: Any) -> list[str]:
    """The ids of all pages, two tasks a page."""
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = await reader.get(path, limit=2, **query, **cursor)
        assert answer.status_code == 200, answer.text
        found += [each["task_id"] for each in answer.json()["items"]]
        if answer.json()["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json()["next_cursor"]}


async def test_a_task_shows_what_is_to_be_done(reader: Reader) -> None:
    position = await reader.given(opened("08:00"), created("11:00", complaint_id="C-1", location="hq/a"))
    answer = await reader.get(LIST, purpose="complaint_handling")
    assert answer.headers["rapport-position"] == position.token()
    assert answer.json() == {
        "items": [
            {
                "task_id": "T-1",
                "customer_id": None,
                "party_id": None,
                "complaint_id": "C-1",
                "caused_by": None,
                "title": "call back",
                "status": "open",
                "assignee": {"person": "kim", "department": None},
                "due_at": "2024-01-08T11:00:00Z",
                "overdue": True,
                "outcome": None,
                "channel": "store",
                "location": "hq/a",
                "created_at": "2024-01-08T08:00:00Z",
                "ended_at": None,
            }
        ],
        "next_cursor": None,
        "withheld": [],
    }
    closed = (await reader.get(LIST)).json()
    assert (closed["items"][0]["title"], closed["withheld"]) == (None, ["free_text"])


async def test_tasks_are_listed_soonest_due_first_by_each_filter(reader: Reader) -> None:
    await reader.given(
        created("13:00", "T-3"),
        created("11:00", "T-2", assignee={"department": "kitchen"}),
        created("10:00", "T-1"),
        created("10:00", "T-0", assignee={"person": "kitchen", "department": "kitchen"}),
        created("14:00", "T-4"),
        task("completed", "09:00", "T-1", outcome="reached"),
        task("cancelled", "09:00", "T-4"),
        task("assigned", "09:00", "never created", assignee={"person": "kim"}),
    )
    assert await ids(reader) == ["T-0", "T-1", "T-2", "T-3", "T-4"]
    for query, expected in (
        ({"status": "open"}, ["T-0", "T-2", "T-3"]),
        ({"status": "completed"}, ["T-1"]),
        ({"status": "cancelled"}, ["T-4"]),
        ({"assignee": "kim"}, ["T-1", "T-3", "T-4"]),
        ({"assignee": "kitchen"}, ["T-0", "T-2"]),
        ({"overdue": "true"}, ["T-0", "T-2"]),
        ({"overdue": "false"}, ["T-1", "T-3", "T-4"]),
        ({"overdue": "true", "assignee": "kitchen", "status": "open"}, ["T-0", "T-2"]),
        ({"overdue": "true", "status": "completed"}, []),
    ):
        assert await ids(reader, **query) == expected, query


async def test_a_task_is_overdue_by_the_time_of_the_api_until_it_is_moved_or_done(
    reader: Reader, hand: Hand
) -> None:
    await reader.given(created("12:00"))
    assert await ids(reader, overdue="true") == []
    hand.move(seconds=1)
    assert await ids(reader, overdue="true") == ["T-1"]
    await reader.given(task("rescheduled", "11:00", due_at="2024-01-08T15:00:00Z"))
    assert await ids(reader, overdue="true") == []
    hand.move(hours=4)
    assert await ids(reader, overdue="true") == ["T-1"]
    await reader.given(task("completed", "15:30"))
    assert await ids(reader, overdue="true") == []


async def test_pages_neither_repeat_nor_skip_while_tasks_arrive(reader: Reader, hand: Hand) -> None:
    await reader.given(*(created(f"10:0{number}", f"T-{number}") for number in range(5)))
    first = (await reader.get(LIST, overdue="true", limit=2)).json()
    hand.move(hours=3)
    await reader.given(
        created("09:00", "before"), created("13:00", "after"), task("completed", "10:00", "T-1")
    )
    rest = (await reader.get(LIST, overdue="true", cursor=first["next_cursor"])).json()
    shown = [each["task_id"] for each in first["items"] + rest["items"]]
    assert (shown, rest["next_cursor"]) == (["T-0", "T-1", "T-2", "T-3", "T-4"], None)


async def test_a_customer_is_shown_their_own_tasks_and_those_of_their_complaints(reader: Reader) -> None:
    def customer(member: str) -> dict[str, Any]:
        return {"customer": [{"type": "member", "value": member}]}

    await reader.given(
        opened("09:00", "C-1"),
        opened("09:00", "C-2", member="M2"),
        created("10:00", "own", **customer("M1")),
        created("11:00", "of the complaint", complaint_id="C-1"),
        created("12:00", "of both", complaint_id="C-1", **customer("M1")),
        created("12:30", "of another's", complaint_id="C-2"),
        created("12:45", "for another", complaint_id="C-1", **customer("M2")),
        created("13:00", "nobody's"),
    )
    assert await ids(reader, OF_M1) == ["own", "of the complaint", "of both"]
    assert await ids(reader, f"/v1/customers/{M2}/tasks") == ["of another's", "for another"]
    answer = await reader.get(f"/v1/customers/{M1[:-4]}aaaa/tasks")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        (LIST, {"state": "open"}, 422, "invalid_parameter"),
        (LIST, {"status": "done"}, 422, "invalid_parameter"),
        (LIST, {"overdue": ""}, 422, "invalid_parameter"),
        (LIST, {"assignee": ""}, 422, "invalid_parameter"),
        (LIST, {"limit": "0"}, 422, "invalid_parameter"),
        (LIST, {"cursor": "AAAA"}, 422, "invalid_cursor"),
        (OF_M1, {"status": "open"}, 422, "invalid_parameter"),
        ("/v1/customers/nobody/tasks", {}, 404, "unknown_customer"),
    ],
)
async def test_what_cannot_be_listed_is_refused_with_a_code(
    reader: Reader, path: str, query: dict[str, Any], status: int, code: str
) -> None:
    answer = await reader.get(path, **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_cursor_is_good_for_its_own_list_alone(reader: Reader) -> None:
    await reader.given(*(created("10:00", f"T-{number}") for number in range(3)))
    cursor = (await reader.get(LIST, limit=1)).json()["next_cursor"]
    path: str
    query: dict[str, Any]
    for path, query in (
        (LIST, {"status": "open"}),
        (LIST, {"overdue": "true"}),
        (OF_M1, {}),
        ("/v1/complaints", {}),
    ):
        answer = await reader.get(path, **{**query, "cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor"), (path, query)


async def test_an_answer_that_is_held_already_is_not_sent_again(reader: Reader) -> None:
    await reader.given(created("10:00"))
    etag = (await reader.get(LIST)).headers["etag"]
    assert (await reader.get(LIST, {"if-none-match": etag})).status_code == 304
    head = await reader.client.head(LIST)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", etag)
