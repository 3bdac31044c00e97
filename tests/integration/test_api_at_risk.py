"""Who is leaving without a word: each named once, as they are now, to who may know and for whom they consented."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.projections.analytics.win_back import in_control
from shared.identifiers import customer_id_of
from tests.api_reader import Reader, migrated_reader
from tests.complaining import opened
from tests.credentials import access, key
from tests.identifying import linked, party
from tests.redeeming import Hand
from tests.score_rows import put_scores
from tests.scored_customers import AS_OF, bought, consented, run

ROUTE = "/v1/customers/at-risk"
ANALYST = key("reader", roles=("analyst",))
MARKETING = key("reader", roles=("marketing",))
OFFICER = key("reader", roles=("privacy_officer",))
MEMBERS = ("M1", "M2", "M3", "M4", "M5")
SILENT = datetime(2024, 5, 1, tzinfo=UTC)


def customer(member: str) -> str:
    return customer_id_of(party(("member", member)))


def row(member: str, stake: Any, **more: Any) -> dict[str, Any]:
    return {
        "party": party(("member", member)), "parties": [party(("member", member))], "purchase_days": 3,
        "silent_from": SILENT, "value_at_stake": None if stake is None else Decimal(stake), "tier": "C",
        "tier_rank": 4, "profiled": True,
    } | more  # fmt: skip


@pytest.fixture
def hand() -> Hand:
    return Hand(AS_OF)


@pytest.fixture
async def reader(database_url: str, hand: Hand) -> AsyncIterator[Reader]:
    keys = access(ANALYST, MARKETING, OFFICER)
    async with migrated_reader(database_url, access=keys, clock=hand) as made:
        days = ("2024-01-01", "2024-01-15", "2024-02-01")
        await made.given(run(), *(bought(each, day) for each in MEMBERS for day in days))
        await made.given(*(consented(each) for each in MEMBERS))
        yield made


async def listed(reader: Reader, who: Any = ANALYST, **query: Any) -> Any:
    answer = await reader.get(ROUTE, who.header, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(reader: Reader, who: Any = ANALYST, **query: Any) -> list[str]:
    """All members that the list names, over all pages."""
    member_of = {customer(each): each for each in MEMBERS}
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await listed(reader, who, **query, **cursor)
        found += [member_of[each["customer_id"]] for each in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def scored(reader: Reader, *rows: dict[str, Any], run_id: str = "run-1") -> None:
    await put_scores(reader.database_url, rows, run_id)


async def test_those_with_most_at_stake_come_first_whatever_the_size_of_pages(reader: Reader) -> None:
    await scored(
        reader, *(row(each, stake) for each, stake in zip(MEMBERS, (5, 30, None, 30, 7), strict=True))
    )
    first, second = sorted(("M2", "M4"), key=lambda each: party(("member", each)), reverse=True)
    for limit in (1, 2, 5, 50):
        assert await names(reader, limit=limit) == [first, second, "M5", "M1", "M3"]
    page = await listed(reader, limit=1)
    [item] = page["items"]
    assert item["customer_id"] == customer(first)
    assert (item["tier"], item["last_purchase"], item["silence_days"]) == ("C", "2024-02-01", 121)
    assert (item["usual_gap_days"], item["p_alive"] < 0.5) == (15.5, True)
    assert item["silent_from"] < "2024-06-01"
    assert item["value_at_stake"]["currency"] == "EUR"
    assert item["why"][0] == "Has not bought for 121 days, and usually comes every 15.5 days."
    assert (page["as_of"], page["run_id"], page["withheld"]) == ("2024-06-01T00:00:00Z", "run-1", [])


async def test_who_bought_since_revoked_or_complained_is_not_named_although_the_run_said_so(
    reader: Reader,
) -> None:
    await scored(reader, *(row(each, 10) for each in MEMBERS))
    case = opened("09:00", customer=[{"type": "member", "value": "M4"}])
    await reader.given(
        bought("M1", "2024-05-31"),
        consented("M2", granted=False, day="2024-05-30"),
        consented("M3", "marketing", granted=False),
        case | {"time": "2024-05-30T00:00:00Z"},
    )
    assert sorted(await names(reader)) == ["M3", "M5"]
    assert sorted(await names(reader, limit=1)) == ["M3", "M5"]


async def test_customers_who_became_one_since_the_run_are_named_once(reader: Reader) -> None:
    await scored(reader, *(row(each, stake) for each, stake in zip(MEMBERS, (1, 2, 3, 4, 5), strict=True)))
    await reader.given(
        linked(1, ("member", "M1"), ("member", "M3"), "L1"),
        linked(2, ("member", "M3"), ("member", "M5"), "L2"),
    )
    for limit in (1, 2, 50):
        found = [each for _ in range(1) for each in await _ids(reader, limit)]
        assert len(found) == len(set(found)) == 3
        assert found[1:] == [customer("M4"), customer("M2")]


async def _ids(reader: Reader, limit: int) -> list[str]:
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await listed(reader, limit=limit, **cursor)
        found += [each["customer_id"] for each in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_tiers_below_are_left_out_and_outreach_takes_consent_to_marketing(reader: Reader) -> None:
    ranks = {"tier": "VIP", "tier_rank": 1}
    await scored(reader, row("M1", 9, **ranks), row("M2", 8), row("M3", 7))
    await reader.given(
        *(bought("M1", f"2024-01-{day}", "300.00") for day in (10, 11)), consented("M2", "marketing")
    )
    assert await names(reader, min_tier="A") == ["M1"]
    assert await names(reader, min_tier="C") == ["M1", "M2", "M3"]
    assert await names(reader, MARKETING) == await names(reader, MARKETING, for_="outreach") == ["M2"]
    treated = next(f"c-{n}" for n in range(99) if not in_control(party(("member", "M2")), f"c-{n}"))
    control = next(f"c-{n}" for n in range(99) if in_control(party(("member", "M2")), f"c-{n}"))
    assert await names(reader, MARKETING, for_="outreach", campaign=treated) == ["M2"]
    assert await names(reader, MARKETING, for_="outreach", campaign=control) == []
    alone = await reader.get(ROUTE, MARKETING.header, campaign=treated)
    assert (alone.status_code, alone.json()["code"]) == (422, "invalid_parameter")
    refused = await reader.get(ROUTE, ANALYST.header, for_="outreach")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_purpose")
    records = (await reader.get("/v1/access-records", OFFICER.header, customer=customer("M2"))).json()[
        "items"
    ]
    assert {each["purpose"] for each in records} == {"analysis", "marketing"}
    assert {tuple(each["categories"]) for each in records} == {("scores",)}


async def test_before_any_run_nobody_is_at_risk_and_it_says_why(reader: Reader) -> None:
    page = await listed(reader)
    assert (page["items"], page["next_cursor"], page["run_id"]) == ([], None, None)
    assert "no scoring run" in page["reason"]


async def test_a_cursor_is_good_for_its_list_and_its_run_alone(reader: Reader, hand: Hand) -> None:
    await scored(reader, *(row(each, 10) for each in MEMBERS))
    page = await listed(reader, limit=2)
    hand.now = datetime(2024, 6, 2, tzinfo=UTC)
    following = await listed(reader, limit=2, cursor=page["next_cursor"])
    assert following["as_of"] == page["as_of"], "a list keeps the time of its first page"
    for query in ({"min_tier": "A"}, {"as_of": "2024-06-01T00:00:00Z"}):
        answer = await reader.get(ROUTE, ANALYST.header, cursor=page["next_cursor"], **query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
    await reader.given(run("run-2"))
    await scored(reader, *(row(each, 10) for each in MEMBERS), run_id="run-2")
    answer = await reader.get(ROUTE, ANALYST.header, cursor=page["next_cursor"])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
    assert "before the latest scoring run" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"as_of": "2024-06-01T00:00:01Z"}, "ahead of now"),
        (
            {"as_of": "2024-05-31T23:59:59Z"},
            "before 2024-06-01T00:00:00Z, which the latest scoring run is of",
        ),
        ({"min_tier": "gold"}, "one of VIP, A, B, C"),
        ({"for": "fun"}, "one of outreach"),
        ({"for": "outreach", "purpose": "analysis"}, "an outreach is for marketing"),
        ({"tier": "A"}, "known: as_of, min_tier, for, campaign, purpose, limit, cursor"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_what_can(
    reader: Reader, query: dict[str, str], says: str
) -> None:
    await scored(reader, row("M1", 10))
    answer = await reader.client.get(ROUTE, params=query, headers=ANALYST.header)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert says in answer.json()["detail"]
