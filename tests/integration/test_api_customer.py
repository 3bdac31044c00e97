"""A customer in numbers, over HTTP: what is counted, whose it is, and how an answer is told apart."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api_reader import CUSTOMER, M1, M2, Reader, migrated_reader
from tests.projecting import purchase
from tests.strategies import JsonObject

PATH = f"/v1/customers/{CUSTOMER}"
_M1 = [{"type": "member", "value": "M1"}]


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


def event(number: int, type_: str, data: JsonObject, channel: str = "phone") -> JsonObject:
    return purchase(number, id=f"event-{number}", type=type_, data=data, channel=channel)


def bought(number: int, amount: str, currency: str = "EUR") -> JsonObject:
    total = {"amount": amount, "currency": currency}
    return event(
        number,
        "purchase.completed",
        {"customer": _M1, "order_id": f"o-{number}", "total": total, "lines": []},
        "store",
    )


def refunded(number: int, amount: str) -> JsonObject:
    given = {"amount": amount, "currency": "EUR"}
    data = {"customer": _M1, "order_id": "o-1", "refund_id": f"r-{number}", "amount": given}
    return event(number, "purchase.refunded", data, "web")


async def asked(reader: Reader) -> Any:
    answer = await reader.get(PATH)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_customer_is_counted_from_the_first_event_to_the_last(reader: Reader) -> None:
    await reader.given(bought(2, "12.50"), bought(1, "0.10"), bought(3, "99999999999999.9999", "JPY"))
    position = await reader.given(
        refunded(4, "20"),
        event(5, "interaction.recorded", {"customer": _M1, "kind": "call", "category": "service"}),
        event(6, "loyalty.enrolled", {"account_id": "m 1", "programme": "circle"}, "app"),
        purchase(7, "M2"),
    )
    answer = await reader.get(PATH)
    assert answer.headers["rapport-position"] == position.token()
    assert answer.json() == {
        "customer_id": CUSTOMER,
        "parties": [M1],
        "first_seen": "2024-04-30T22:00:01.000000Z",
        "last_seen": "2024-04-30T22:00:06.000000Z",
        "events": 6,
        "interactions": {"app": 1, "phone": 1, "store": 3, "web": 1},
        "categories": {"sales": 4, "service": 1},
        "spend": [
            {"amount": "-7.40", "currency": "EUR"},
            {"amount": "99999999999999.9999", "currency": "JPY"},
        ],
    }


async def test_the_events_of_a_customers_complaints_and_their_tasks_count(reader: Reader) -> None:
    opened = {
        "customer": _M1,
        "complaint_id": "c",
        "summary": "cold",
        "cause": "other",
        "severity": "low",
    }
    due = {"title": "Call", "due_at": "2024-06-01T10:00:00Z", "assignee": {"person": "kim"}}
    await reader.given(
        event(1, "complaint.opened", opened),
        event(2, "complaint.closed", {"complaint_id": "c"}),
        event(3, "task.created", {"task_id": "t", "complaint_id": "c", **due}),
        event(4, "task.completed", {"task_id": "t"}),
        event(5, "task.created", {"task_id": "other", **due}),
        event(6, "complaint.closed", {"complaint_id": "other"}),
    )
    found = await asked(reader)
    assert (found["events"], found["interactions"], found["categories"]) == (
        4,
        {"phone": 4},
        {"complaint": 2},
    )
    assert found["spend"] == []


async def test_a_repeated_event_counts_once(reader: Reader) -> None:
    await reader.given(bought(1, "5"), bought(1, "5"))
    await reader.given(bought(1, "5"))
    found = await asked(reader)
    assert (found["events"], found["spend"]) == (1, [{"amount": "5", "currency": "EUR"}])


@pytest.mark.parametrize("any_id", [M2, "cus_" + M2[4:], "M1", "pty_short"])
async def test_an_id_that_no_event_names_is_an_unknown_customer(reader: Reader, any_id: str) -> None:
    await reader.given(purchase(1))
    answer = await reader.get(f"/v1/customers/{any_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


async def test_a_party_id_finds_the_same_customer(reader: Reader) -> None:
    await reader.given(purchase(1))
    assert (await reader.get(f"/v1/customers/{M1}")).json() == await asked(reader)


async def test_an_answer_that_the_client_holds_is_not_sent_again(reader: Reader) -> None:
    await reader.given(purchase(1))
    first = await reader.get(PATH)
    held = await reader.get(PATH, headers={"if-none-match": first.headers["etag"]})
    assert (held.status_code, held.content) == (304, b"")
    await reader.given(purchase(2))
    changed = await reader.get(PATH, headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_a_position_not_reached_is_waited_for_and_then_told(reader: Reader) -> None:
    await reader.given(purchase(1))
    answer = await reader.get(PATH, headers={"rapport-at-least": "0:99", "prefer": "wait=0"})
    assert (answer.status_code, answer.json()["code"]) == (503, "position_not_reached")


async def test_unknown_parameters_are_refused(reader: Reader) -> None:
    answer = await reader.get(PATH, limit=1)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
