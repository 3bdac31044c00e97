"""Recommendations: rules counted over everybody's baskets, and what of them is shown of one customer."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import asyncpg
import pytest

from services.projections.analytics.associations import make_associations
from tests.api_reader import CUSTOMER, Reader, migrated_reader
from tests.projecting import purchase
from tests.strategies import JsonObject

ROUTE = f"/v1/customers/{CUSTOMER}/recommendations"
EURO = {"amount": "1.00", "currency": "EUR"}
LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


def basket(number: int, *skus: str, member: str | None = None, **data: Any) -> JsonObject:
    lines = [{"sku": sku, "quantity": 1, "unit_price": EURO} for sku in skus]
    posted = purchase(number, member or f"M{number % 7 + 10}")
    return {**posted, "data": {**posted["data"], "lines": lines, **data}}


def refund(number: int, order: int, amount: str) -> JsonObject:
    named = [{"type": "member", "value": f"M{order % 7 + 10}"}]
    data = {"customer": named, "refund_id": f"r-{number}", "order_id": f"o-{order}"}
    return purchase(
        number, type="purchase.refunded", data={**data, "amount": {"amount": amount, "currency": "EUR"}}
    )


def profiling(number: int, *, granted: bool = True) -> JsonObject:
    named = [{"type": "member", "value": "M1"}]
    data = {"customer": named, "purpose": "profiling", "granted": granted}
    return purchase(number, type="consent.changed", data=data)


async def rules_made(reader: Reader) -> set[tuple[Any, ...]]:
    """What a scoring run leaves, as `services.scoring` has it made."""
    connection = await asyncpg.connect(reader.database_url)
    async with connection.transaction():
        await connection.execute("drop schema if exists scores_test cascade")
        await connection.execute("create schema scores_test")
        await connection.execute(
            "create temp table purchasers on commit drop as "
            "select distinct party, party as customer from live.purchases"
        )
        await make_associations(connection, "scores_test", LATER, "purchasers")
        await connection.execute(
            "create or replace view live.associations as select * from scores_test.associations"
        )
    rows = await connection.fetch(
        "select sku, then_sku, together, with_item, with_then, baskets from live.associations"
    )
    await connection.close()
    return {tuple(row) for row in rows}


async def test_rules_are_what_counting_by_hand_comes_to(reader: Reader) -> None:
    chance = random.Random(7)
    baskets = [set(chance.choices("abcdefgh", [8, 7, 6, 5, 4, 3, 2, 1], k=3)) for _ in range(150)]
    large = [f"large-{number}" for number in range(51)]
    events = [basket(number, *sorted(each)) for number, each in enumerate(baskets)]
    events += [basket(200 + number, *large, "a", "b") for number in range(5)]
    given_back, partly = 0, 1
    events += [refund(300, given_back, "12.50"), refund(301, partly, "12.49")]
    again = basket(400, "a", "b", "c", "d", "e", "f", "g", "h", order_id="o-5", member="M15")
    await reader.given(*events, again, {**basket(500, "z"), "time": "2027-02-01T00:00:00Z"})
    counted = [each for number, each in enumerate(baskets) if number != given_back]
    having = {sku: sum(sku in each for each in counted) for sku in "abcdefgh"}
    expected = set()
    for one, other in permutations("abcdefgh", 2):
        both = sum({one, other} <= each for each in counted)
        if both >= 5 and len(counted) * both > having[one] * having[other]:
            expected.add((one, other, both, having[one], having[other], len(counted)))
    assert expected
    assert await rules_made(reader) == expected


async def test_a_customer_is_recommended_what_they_never_bought_and_told_why(reader: Reader) -> None:
    shared_by_others = [basket(number, "tea", "cup", *(["pot"] * (number < 6))) for number in range(10)]
    others = [basket(20 + number, f"other-{number}") for number in range(40)]
    await reader.given(
        *shared_by_others, *others, basket(100, "tea", member="M1"), basket(101, "pot", member="M1")
    )
    without_consent = (await reader.get(ROUTE)).json()
    assert (without_consent["items"], without_consent["withheld"]) == (None, ["scores"])
    assert without_consent["reason"] == "the customer has not consented to profiling"
    await reader.given(profiling(110))
    assert (await reader.get(ROUTE)).json()["reason"] == (
        "no scoring run has looked for items that are bought together yet"
    )
    await rules_made(reader)
    answer = (await reader.get(ROUTE)).json()
    assert (answer["reason"], answer["withheld"]) == (None, [])
    [item] = answer["items"]
    assert item == {
        "sku": "cup",
        "confidence": pytest.approx(10 / 11, abs=1e-6),
        "lift": pytest.approx(52 * 10 / (11 * 10), abs=1e-6),
        "together": 10,
        "with_item": 11,
        "with_then": 10,
        "baskets": 52,
        "because": {
            "sku": "tea",
            "order_id": "o-100",
            "time": "2024-04-30T22:01:40Z",
            "sentence": "Bought tea (order o-100); of 11 baskets with tea, 10 have cup too",
        },
    }
    marketing = (await reader.get(ROUTE, purpose="marketing")).json()
    assert (marketing["items"], marketing["withheld"]) == (None, ["scores"])
    await reader.given(profiling(120, granted=False))
    assert (await reader.get(ROUTE)).json()["items"] is None


async def test_who_bought_nothing_that_leads_anywhere_is_told_so(reader: Reader) -> None:
    await reader.given(basket(1, "tea", member="M1"), profiling(2))
    await rules_made(reader)
    answer = (await reader.get(ROUTE)).json()
    assert (answer["items"], answer["reason"]) == (
        [],
        "no rule leads from what the customer bought to something else",
    )
