"""The timeline says of each event of an account what the ledger made of it."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.api_reader import TIMELINE, Reader, migrated_reader
from tests.integration.test_api_loyalty import earned, event, held, redeemed
from tests.projecting import purchase


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


async def summaries(reader: Reader, **query: Any) -> list[str]:
    answer = await reader.get(TIMELINE, order="asc", **query)
    assert answer.status_code == 200, answer.text
    return [item["summary"] for item in answer.json()["items"]]


async def test_each_event_of_an_account_says_what_it_did(reader: Reader) -> None:
    purchases = purchase(2, id="till-2", time="2024-01-02T00:00:00Z")
    purchases["data"]["total"]["amount"] = "1000"
    given_back = purchase(3, id="till-3", type="purchase.refunded", time="2024-01-03T00:00:00Z")
    given_back["data"] = {
        "customer": [{"type": "member", "value": "M1"}], "order_id": "o-2", "refund_id": "x",
        "amount": {"amount": "10", "currency": "EUR"},
    }  # fmt: skip
    await reader.given(
        event(1, "enrolled", "2024-01-01T00:00:00Z", programme="circle"),
        purchases,
        given_back,
        redeemed(4, "2024-01-04T00:00:00Z", 90),
        redeemed(5, "2024-01-05T00:00:00Z", 9000),
        event(6, "redemption_cancelled", "2024-01-06T00:00:00Z", redemption_id="r-4", reason="torn"),
        held(7, "2024-01-07T00:00:00Z", 40, "2024-01-08T00:00:00Z"),
        event(8, "hold_captured", "2024-01-09T00:00:00Z", hold_id="h-7", points=40, reward="mug"),
        earned(9, "2024-01-10T00:00:00Z", 1, order_id='the "9th" \\ order'),
        event(10, "points_adjusted", "2024-01-11T00:00:00Z", points=-7, reason="typo", actor="s"),
    )
    assert await summaries(reader, points="true") == [
        "Joined the programme circle (account M1)",
        "Bought something for EUR 1000 (order o-2). Earned 1000 points on order o-2, silver since today",
        "Was refunded EUR 10 (order o-2, refund x). 10 points taken back on order o-2 (refund x)",
        "Redeemed 90 points (redemption r-4)",
        "Rejected: not enough points (r-5)",
        "Redemption cancelled, 90 points given back (redemption r-4)",
        "40 points set aside (hold h-7)",
        "Paid with 40 points set aside (hold h-7)",
        'Earned 1 point on order the "9th" \\ order',
        "Points corrected by -7",
    ]
    plain = await summaries(reader)
    assert plain[1:4] == [
        "Bought something for EUR 1000 (order o-2)",
        "Was refunded EUR 10 (order o-2, refund x)",
        "Redeemed 90 points (redemption r-4)",
    ]
    assert await summaries(reader, type="loyalty.points_adjusted") == ["Points corrected by -7"]


async def test_what_only_looks_like_a_member_of_an_item_misleads_nobody(reader: Reader) -> None:
    odd = '","staff":"x","summary":"y'
    posted = earned(1, "2024-01-01T00:00:00Z", 5, order_id=odd)
    posted["id"] = odd
    await reader.given(posted)
    item = (await reader.get(TIMELINE)).json()["items"][0]
    assert item["event_id"] == odd
    assert item["summary"] == f"Earned 5 points on order {odd}"
    assert item["data"]["order_id"] == odd


async def test_purchases_of_no_account_say_what_was_bought(reader: Reader) -> None:
    unnamed = purchase(1)
    unnamed["data"]["customer"] = [{"type": "email", "value": "guest@example.org"}]
    await reader.given(unnamed)
    found = await reader.client.post(
        "/v1/customers/lookup", json={"type": "email", "value": "guest@example.org"}
    )
    page = await reader.get(f"/v1/customers/{found.json()['customer_id']}/timeline?points=true")
    assert page.json()["items"][0]["summary"] == "Bought something for EUR 12.50 (order o-1)"


async def test_events_say_what_they_ask_for_where_the_ledger_has_not_come_so_far(reader: Reader) -> None:
    await reader.given(
        earned(1, "2024-01-01T00:00:00Z", 50),
        redeemed(2, "2024-01-02T00:00:00Z", 20),
        purchase(3, time="2024-01-03T00:00:00Z"),
    )
    connection = await asyncpg.connect(reader.database_url)
    await connection.execute("delete from live.loyalty_entries")
    await connection.close()
    assert await summaries(reader, points="true") == [
        "Earned 50 points (account M1)",
        "Asked to redeem 20 points (redemption r-2)",
        "Bought something for EUR 12.50 (order o-3)",
    ]
