"""A loyalty account over HTTP: what it has at any time, and whose it is."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api_reader import CUSTOMER, M1, M2, Reader, migrated_reader
from tests.projecting import purchase
from tests.strategies import JsonObject

ACCOUNT = "/v1/loyalty/accounts/M1"


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


def event(number: int, type_: str, time: str, **data: Any) -> JsonObject:
    return purchase(
        number,
        id=f"event-{number}",
        type=f"loyalty.{type_}",
        time=time,
        data={"account_id": "m-1", **data},
    )


def earned(number: int, time: str, points: int, **data: Any) -> JsonObject:
    return event(number, "points_earned", time, points=points, reason="bonus", **data)


def redeemed(number: int, time: str, points: int) -> JsonObject:
    return event(
        number, "redemption_requested", time, redemption_id=f"r-{number}", points=points, reward="mug"
    )


def held(number: int, time: str, points: int, until: str) -> JsonObject:
    return event(number, "hold_placed", time, hold_id=f"h-{number}", points=points, expires_at=until)


async def account(reader: Reader, **query: Any) -> Any:
    answer = await reader.get(ACCOUNT, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_account_shows_what_it_has_now(reader: Reader) -> None:
    position = await reader.given(
        event(1, "enrolled", "2024-01-01T00:00:00Z", programme="circle"),
        earned(2, "2024-01-02T00:00:00Z", 50, expires_at=None, partner="bakery"),
        earned(3, "2024-01-03T00:00:00Z", 100, expires_at="2024-03-01T00:00:00Z"),
        redeemed(4, "2024-02-01T00:00:00Z", 120),
        held(5, "2024-02-02T00:00:00Z", 10, "2999-01-01T00:00:00Z"),
    )
    answer = await reader.get("/v1/loyalty/accounts/m%20-1")
    found = answer.json()
    assert answer.headers["rapport-position"] == position.token()
    assert found.pop("as_of") > "2026"
    assert found == {
        "account_id": "M1",
        "programme": "circle",
        "balance": 30,
        "available": 20,
        "held": 10,
        "deficit": 0,
        "tier": "base",
        "tier_valid_until": None,
        "qualifying_points": 0,
        "expiring": [],
        "lots": [
            {
                "event_id": "event-2",
                "granted": 50,
                "remaining": 20,
                "occurred_at": "2024-01-02T00:00:00Z",
                "expires_at": None,
                "partner": "bakery",
            }
        ],
        "anomalies": [],
    }


async def test_an_account_shows_any_time_of_the_past_and_the_future(reader: Reader) -> None:
    await reader.given(
        earned(1, "2024-01-01T00:00:00Z", 100, expires_at="2030-01-01T00:00:00Z"),
        held(2, "2024-01-02T00:00:00Z", 40, "2031-01-01T00:00:00Z"),
        redeemed(3, "2024-02-01T00:00:00Z", 50),
    )
    figures = {}
    for time in (
        "2024-01-01T00:00:00Z", "2024-01-15T07:00:00+07:00", "2029-12-31T00:00:00Z", "2030-01-01T00:00:00Z",
        "2031-01-01T00:00:00Z",
    ):  # fmt: skip
        found = await account(reader, as_of=time)
        figures[found["as_of"]] = (found["available"], found["held"], found["balance"])
    assert figures == {
        "2024-01-01T00:00:00Z": (100, 0, 100),
        "2024-01-15T00:00:00Z": (60, 40, 100),
        "2029-12-31T00:00:00Z": (10, 40, 50),
        "2030-01-01T00:00:00Z": (0, 40, 40),
        "2031-01-01T00:00:00Z": (0, 0, 0),
    }


async def test_an_account_whose_events_lie_ahead_of_the_clock_is_shown_at_the_latest_of_them(
    reader: Reader,
) -> None:
    await reader.given(earned(1, "2999-01-01T00:00:00Z", 7))
    assert (await account(reader))["as_of"] == "2999-01-01T00:00:00Z"


async def test_anomalies_are_told_oldest_first(reader: Reader) -> None:
    await reader.given(
        event(1, "redemption_cancelled", "2024-01-01T00:00:00Z", redemption_id="r", reason="torn"),
        event(2, "hold_released", "2024-01-02T00:00:00Z", hold_id="h"),
    )
    codes = [(each["event_id"], each["code"]) for each in (await account(reader))["anomalies"]]
    assert codes == [
        ("event-1", "implicit_enrolment"),
        ("event-1", "unknown_redemption"),
        ("event-2", "unknown_hold"),
    ]
    past = await account(reader, as_of="2024-01-01T12:00:00Z")
    assert [each["code"] for each in past["anomalies"]] == ["implicit_enrolment", "unknown_redemption"]


@pytest.mark.parametrize("account_id", ["M2", "none", "%00", "x" * 200, "%F0%9F%92%A3", "%ff", "-"])
async def test_an_account_without_events_is_unknown(reader: Reader, account_id: str) -> None:
    position = await reader.given(earned(1, "2024-01-01T00:00:00Z", 7))
    for path in (f"/v1/loyalty/accounts/{account_id}", f"/v1/loyalty/accounts/{account_id}/entries"):
        answer = await reader.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_account")
        if account_id == "M2":
            assert answer.headers["rapport-position"] == position.token()


async def test_an_account_is_unknown_before_its_first_event(reader: Reader) -> None:
    await reader.given(earned(1, "2024-01-01T00:00:00Z", 7))
    for path in (ACCOUNT, f"{ACCOUNT}/entries"):
        answer = await reader.get(path, as_of="2023-12-31T23:59:59Z")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_account")


@pytest.mark.parametrize(
    "query",
    [
        {"as_of": "2024-01-01T00:00:00"}, {"as_of": "yesterday"}, {"as_of": ""}, {"limit": 1}, {"at": "2024"},
        {"as_of": "0001-01-01T00:00:00+14:00"},
    ],
)  # fmt: skip
async def test_a_malformed_request_is_refused(reader: Reader, query: dict[str, Any]) -> None:
    answer = await reader.get(ACCOUNT, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")


async def test_the_ends_of_time_can_be_asked_for(reader: Reader) -> None:
    await reader.given(earned(1, "2024-01-01T00:00:00Z", 7))
    answer = await reader.get(ACCOUNT, as_of="0001-01-01T00:00:00Z")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_account")
    assert (await account(reader, as_of="9999-12-31T23:59:59.999999Z"))["balance"] == 0


async def test_an_answer_that_the_client_holds_is_not_sent_again(reader: Reader) -> None:
    await reader.given(earned(1, "2024-01-01T00:00:00Z", 7))
    for path in (ACCOUNT, f"{ACCOUNT}/entries"):
        first = await reader.get(path, as_of="2024-02-01T00:00:00Z")
        held_already = await reader.get(
            path, headers={"if-none-match": first.headers["etag"]}, as_of="2024-02-01T00:00:00Z"
        )
        assert (held_already.status_code, held_already.content) == (304, b"")
        head = await reader.client.head(f"{path}?as_of=2024-02-01T00:00:00Z")
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])


async def test_a_position_not_reached_is_waited_for_and_then_told(reader: Reader) -> None:
    await reader.given(earned(1, "2024-01-01T00:00:00Z", 7))
    answer = await reader.get(ACCOUNT, headers={"rapport-at-least": "0:99", "prefer": "wait=0"})
    assert (answer.status_code, answer.json()["code"]) == (503, "position_not_reached")


async def test_a_past_with_too_many_events_is_refused_with_what_to_do(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.projections.loyalty.past_account.MOST_PAST_EVENTS", 2)
    await reader.given(*(earned(number, f"2024-01-0{number}T00:00:00Z", 1) for number in range(1, 5)))
    assert (await account(reader, as_of="2024-01-02T00:00:00Z"))["balance"] == 2
    answer = await reader.get(ACCOUNT, as_of="2024-01-03T00:00:00Z")
    assert (answer.status_code, answer.json()["code"]) == (422, "history_too_large")
    assert "earlier time" in answer.json()["detail"]
    assert (await account(reader))["account_id"] == "M1"


async def test_lots_and_anomalies_are_the_next_and_the_newest(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.projections.loyalty.queries.MOST_LOTS", 2)
    monkeypatch.setattr("services.projections.loyalty.queries.MOST_ANOMALIES", 1)
    await reader.given(
        *(
            earned(number, f"2024-01-0{number}T00:00:00Z", number, expires_at=f"299{number}-01-01T00:00:00Z")
            for number in range(1, 5)
        ),
        event(5, "hold_released", "2024-02-02T00:00:00Z", hold_id="h"),
    )
    found = await account(reader)
    assert (found["balance"], [each["remaining"] for each in found["lots"]]) == (10, [1, 2])
    assert [each["points"] for each in found["expiring"]] == [1, 2]
    assert [each["code"] for each in found["anomalies"]] == ["unknown_hold"]


async def test_a_customers_accounts_are_those_of_their_member_number(reader: Reader) -> None:
    await reader.given(earned(1, "2024-01-01T00:00:00Z", 7, expires_at=None), purchase(2, "M2"))
    for any_id in (CUSTOMER, M1):
        answer = (await reader.get(f"/v1/customers/{any_id}/loyalty")).json()
        assert answer["next_cursor"] is None
        assert [(each["account_id"], each["balance"]) for each in answer["items"]] == [("M1", 7)]
    unnamed = purchase(3)
    unnamed["data"]["customer"] = [{"type": "email", "value": "guest@example.org"}]
    await reader.given(unnamed)
    looked_up = await reader.client.post(
        "/v1/customers/lookup", json={"type": "email", "value": "guest@example.org"}
    )
    guest = looked_up.json()["customer_id"]
    assert (await reader.get(f"/v1/customers/{guest}/loyalty")).json() == {"items": [], "next_cursor": None}


async def test_the_loyalty_of_a_customer_whom_no_event_names_is_unknown(reader: Reader) -> None:
    await reader.given(purchase(1))
    for any_id in (M2, "cus_short"):
        answer = await reader.get(f"/v1/customers/{any_id}/loyalty")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")


async def test_accounts_are_found_by_the_end_of_their_number_however_it_is_read_out(reader: Reader) -> None:
    await reader.given(
        *(
            purchase(number, member)
            for number, member in enumerate(("DE-10_4711", "FR-4711", "4711-X", "DE-10A4711"))
        )
    )
    answer = await reader.get("/v1/loyalty/accounts", ending="47 11")
    assert [each["account_id"] for each in answer.json()["items"]] == ["DE10A4711", "DE10_4711", "FR4711"]
    assert answer.json()["more"] is False
    one = (await reader.get("/v1/loyalty/accounts", ending="0_4711")).json()["items"]
    assert [each["account_id"] for each in one] == ["DE10_4711"]
    assert (await reader.get(f"/v1/customers/{one[0]['customer_id']}")).status_code == 200
    assert (await reader.get("/v1/loyalty/accounts", ending="0%4711")).json()["items"] == []


@pytest.mark.parametrize("query", [{}, {"ending": "711"}, {"ending": "- - - -"}, {"ending": "x" * 129}])
async def test_too_little_of_a_number_is_refused(reader: Reader, query: dict[str, Any]) -> None:
    answer = await reader.get("/v1/loyalty/accounts", **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
