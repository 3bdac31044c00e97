"""What a win-back campaign came to, over HTTP: lapsed at a run, contacted, back within their time, beside a control."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

import jsonschema_rs
import pytest

from services.projections.analytics.win_back import in_control
from shared.events.analytics import ANALYTICS
from tests.api_reader import Reader, migrated_reader
from tests.projecting import purchase
from tests.score_rows import put_scores
from tests.strategies import PARTY_IDS, JsonObject

ROUTE = "/v1/analytics/winback"
NOW = datetime(2026, 8, 31, 12, tzinfo=UTC)
RUN_AT = datetime(2026, 7, 1, tzinfo=UTC)
CONTACTED = RUN_AT + timedelta(days=9)
DAY = timedelta(days=1)
SETTINGS = {
    "zone": "UTC",
    "base_currency": "EUR",
    "rates": {},
    "rates_version": "none",
    "margin": 0.3,
    "discount_rate": 0.1,
    "horizon_weeks": 52,
}


def party(member: str) -> str:
    return PARTY_IDS.of("member", member)


def members(*, controls: bool, campaign: str = "spring") -> list[str]:
    """The first members that are of the campaign's control, or not."""
    named = (f"W{number}" for number in count())
    return list(islice((each for each in named if in_control(party(each), campaign) == controls), 10))


TREATED, CONTROL = members(controls=False), members(controls=True)
_number = count(1)


def event(member: str, time: datetime, type_: str, **data: Any) -> JsonObject:
    named = {"customer": [{"type": "member", "value": member}], **data}
    return purchase(next(_number), type=type_, time=time.isoformat(), data=named)


def bought(
    member: str, time: datetime, amount: str = "10.00", currency: str = "EUR", **data: Any
) -> JsonObject:
    number = next(_number)
    total = {"amount": amount, "currency": currency}
    return event(
        member, time, "purchase.completed", **{"order_id": f"o-{number}", "total": total, "lines": [], **data}
    )


def contacted(member: str, time: datetime = CONTACTED, campaign: str = "spring") -> JsonObject:
    said = {
        "kind": "email",
        "category": "marketing",
        "direction": "outbound",
        "details": {"campaign": campaign},
    }
    return event(member, time, "interaction.recorded", **said)


def run(run_id: str = "run-1", as_of: datetime = RUN_AT) -> JsonObject:
    data = {"run_id": run_id, "as_of": as_of.isoformat(), "position": "0", "customers": 3, "parameters": {}}
    posted = purchase(next(_number), type="analytics.run_completed", time=as_of.isoformat())
    return {**posted, "source": ANALYTICS, "data": {**data, "settings": SETTINGS, "figures": {}}}


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url, clock=lambda: NOW) as made:
        yield made


async def test_a_campaign_is_told_beside_those_who_were_left_out_of_it(reader: Reader) -> None:
    long_ago = RUN_AT - 500 * DAY
    spent = bought(TREATED[0], CONTACTED + DAY, "40.00", list_total={"amount": "50.00", "currency": "EUR"})
    given_back = bought(TREATED[1], CONTACTED + DAY, "20.00")
    amount = {"amount": "20.00", "currency": "EUR"}
    refund = event(
        TREATED[1], CONTACTED + 50 * DAY, "purchase.refunded", refund_id="r",
        order_id=given_back["data"]["order_id"], amount=amount,
    )  # fmt: skip
    partly = event(
        TREATED[0], CONTACTED + 40 * DAY, "purchase.refunded", refund_id="p",
        order_id=spent["data"]["order_id"], amount={"amount": "10.00", "currency": "EUR"},
    )  # fmt: skip
    await reader.given(
        run(),
        *(bought(each, long_ago) for each in (*TREATED[:6], *CONTROL[:4])),
        bought(TREATED[6], RUN_AT - DAY),
        *(contacted(each) for each in TREATED[:7]),
        contacted(TREATED[0], CONTACTED + DAY),
        contacted(CONTROL[3]),
        contacted(TREATED[8], campaign="autumn"),
        spent,
        partly,
        given_back,
        refund,
        bought(TREATED[2], CONTACTED),
        bought(TREATED[3], CONTACTED + 30 * DAY),
        bought(TREATED[4], CONTACTED + 30 * DAY + timedelta(seconds=1)),
        bought(TREATED[5], CONTACTED + 2 * DAY, "7.00", "USD"),
        bought(CONTROL[0], CONTACTED + 3 * DAY, "6.00"),
    )  # fmt: skip
    await put_scores(
        reader.database_url,
        [
            {"party": party(each), "purchase_days": 1, "lifecycle": "lapsed"}
            for each in (*TREATED[:7], *CONTROL[:4])
        ],
    )
    answer = (await reader.get(ROUTE, campaign="spring", cost_per_contact="0.50")).json()
    assert answer == {
        "campaign": "spring",
        "days": 30,
        "cost_per_contact": "0.50",
        "run_id": "run-1",
        "run_as_of": "2026-07-01T00:00:00Z",
        "began": "2026-07-10T00:00:00Z",
        "base_currency": "EUR",
        "currency_mixed": True,
        "contacts": 7,
        "contacted": {
            "customers": 6,
            "returned": 3,
            "share": 0.5,
            "net": "40.00",
            "net_per_customer": "6.67",
            "discounts": "10.00",
            "still_open": 0,
        },
        "control": {
            "customers": 3,
            "returned": 1,
            "share": pytest.approx(1 / 3, abs=1e-6),
            "net": "6.00",
            "net_per_customer": "2.00",
            "discounts": "0.00",
            "still_open": 0,
        },
        "control_from": "2026-07-10T00:00:00Z",
        "not_lapsed": 1,
        "control_contacted": 1,
        "contact_cost": "3.50",
        "uplift": pytest.approx(1 / 6, abs=1e-6),
        "standard_error": pytest.approx((0.25 / 6 + 2 / 9 / 3) ** 0.5, abs=1e-6),
        "extra_customers": pytest.approx(1, abs=1e-6),
        "extra_net": "28.00",
        "result": "4.90",
        "reason": None,
    }
    document = (await reader.get("/openapi.json")).json()
    described = document["components"]["schemas"]["WinBack"]
    jsonschema_rs.validate({**described, "components": document["components"]}, answer)
    assert set(answer) == set(described["required"])


async def test_a_campaign_nobody_knows_or_of_which_no_run_was_before_is_told_so(reader: Reader) -> None:
    unknown = await reader.get(ROUTE, campaign="spring")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_campaign")
    await reader.given(contacted("W1"), run("late", CONTACTED + DAY))
    without_run = await reader.get(ROUTE, campaign="spring")
    assert (without_run.status_code, without_run.json()["code"]) == (404, "unknown_run")
    named = await reader.get(ROUTE, campaign="spring", run="late")
    assert named.status_code == 200
    assert named.json()["reason"] == "nobody who was contacted was lapsed at that run"
    for wrong in ({}, {"campaign": "spring", "days": 0}, {"campaign": "spring", "cost_per_contact": "-1"}):
        assert (await reader.get(ROUTE, **wrong)).status_code == 422
