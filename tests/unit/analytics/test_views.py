"""What each view behind the analytics keeps of an event."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec import json

from services.projections.analytics.first_word import first_word
from services.projections.read_models import (
    analytics_runs,
    contact_cells,
    contact_chain,
    endings,
    feedback,
    outreaches,
    purchases,
    referrals,
    refunds,
    segments,
)
from shared.events.analytics import ANALYTICS
from tests.projecting import decode, purchase
from tests.strategies import PARTY_IDS, record_of

M1 = PARTY_IDS.of("member", "M1")
NOON = datetime(2026, 7, 1, 12, 14, 59, 7, tzinfo=UTC)


def event(type_: str, data: dict[str, Any], *, nobodys: bool = False, **changed: Any) -> Any:
    named = data if nobodys else {"customer": [{"type": "member", "value": "M1"}], **data}
    return decode(record_of(purchase(1, type=type_, data=named, time=NOON.isoformat(), **changed)))


def bought(**data: Any) -> Any:
    total = {"amount": "12.50", "currency": "EUR"}
    return event("purchase.completed", {"order_id": "o-1", "total": total, "lines": [], **data})


def line(sku: str, quantity: Any, price: str, category: str | None = None, currency: str = "EUR") -> Any:
    made = {"sku": sku, "quantity": quantity, "unit_price": {"amount": price, "currency": currency}}
    return made | ({"category": category} if category else {})


def test_a_purchase_without_lines_says_no_more_than_its_total() -> None:
    assert purchases.row(bought()) == {
        "party": M1,
        "time": NOON,
        "partition": 0,
        "log_offset": 0,
        "event_id": "purchase-1",
        "order_id": "o-1",
        "total": Decimal("12.50"),
        "currency": "EUR",
        "list_total": None,
        "coupons": None,
        "skus": None,
        "categories": None,
    }


def test_a_basket_has_each_item_once_and_no_discount_and_its_spend_by_category() -> None:
    lines = [
        line("tea", 2, "6.25", "drinks"),
        line("rice", "0.350", "4.00", "food"),
        line("tea", 1, "6.25", "drinks"),
        line("rebate", 1, "-3.00", "drinks"),
        line("mug", 1, "9.00", "kitchen", "USD"),
        line("bag", 1, "0.10"),
    ]
    row = purchases.row(bought(lines=lines, coupons=["SPRING"]))
    assert row["skus"] == ["bag", "mug", "rice", "tea"]
    assert row["categories"] == {"drinks": "15.75", "food": "1.40000"}
    assert row["coupons"] == ["SPRING"]


@pytest.mark.parametrize(("currency", "listed"), [("EUR", Decimal("14.00")), ("USD", None)])
def test_a_list_total_counts_in_the_currency_of_the_total(currency: str, listed: Decimal | None) -> None:
    row = purchases.row(bought(list_total={"amount": "14.00", "currency": currency}))
    assert row["list_total"] == listed


def test_the_first_word_on_an_order_stays_and_at_one_time_that_of_the_lesser_event_id() -> None:
    first, later = {"time": NOON, "event_id": "b", "total": 1}, {"time": NOON, "event_id": "c", "total": 2}
    earlier = {"time": NOON.replace(hour=1), "event_id": "z", "total": 3}
    assert first_word(first, later) == first_word(later, first) == first
    assert first_word(first, earlier) == first_word(earlier, first) == earlier


def test_a_refund_is_kept_by_its_order() -> None:
    amount = {"amount": "5.00", "currency": "EUR"}
    rows = refunds.lift(event("purchase.refunded", {"refund_id": "r-1", "order_id": "o-1", "amount": amount}))
    assert rows == {
        (M1, "o-1", "r-1"): {
            "time": NOON, "event_id": "purchase-1", "amount": Decimal("5.00"), "currency": "EUR",
        }
    }  # fmt: skip


def test_an_answer_keeps_its_scores_and_expectations() -> None:
    scores = {"reliability": 1, "tangibles": 7, "responsiveness": 4, "assurance": 5, "empathy": 6}
    row = feedback.row(
        event("feedback.recorded", {"instrument": "servqual", "scores": scores, "expectations": scores})
    )
    assert (row["party"], row["score"], row["scores"], row["expectations"]) == (M1, None, scores, scores)
    row = feedback.row(event("feedback.recorded", {"instrument": "nps", "score": 0, "staff": "s-1"}))
    assert (row["score"], row["scores"], row["staff"]) == (0, None, "s-1")


def contact(**data: Any) -> Any:
    return event("interaction.recorded", {"kind": "call", "category": "service", **data})


def test_a_contact_counts_in_its_quarter_of_an_hour() -> None:
    begins = NOON.replace(minute=0, second=0, microsecond=0)
    assert contact_cells.lift(contact(duration_seconds=0, direction="inbound", location="hq/a")) == {
        (begins, "service", "store", "inbound", "hq/a", 0): {
            "contacts": 1, "duration_seconds": 0, "with_duration": 1,
        }
    }  # fmt: skip
    [(key, row)] = contact_cells.lift(contact()).items()
    assert key[3:] == ("", "", 0)
    assert row == {"contacts": 1, "duration_seconds": 0, "with_duration": 0}


def test_only_what_a_customer_does_is_a_link_of_a_chain_of_contacts() -> None:
    row = contact_chain.row(contact(conversation_id="c-1"))
    assert row is not None
    assert (row["party"], row["category"], row["conversation_id"]) == (M1, "service", "c-1")
    assert contact_chain.row(contact(direction="outbound")) is None
    assert contact_chain.row(contact(kind="page_view")) is None


@pytest.mark.parametrize(
    ("data", "campaign"),
    [
        ({"details": {"campaign": "spring"}}, "spring"),
        ({"details": {"campaign": 7}}, "7"),
        ({"details": {"campaign": ""}}, None),
        ({"details": {"campaign": True}}, None),
        ({"details": {"seat": "t1"}}, None),
        ({}, None),
        ({"details": {"campaign": "spring"}, "direction": "inbound"}, None),
        ({"details": {"campaign": "spring"}, "category": "service"}, None),
    ],
)
def test_an_outreach_is_outbound_marketing_that_names_its_campaign(
    data: dict[str, Any], campaign: str | None
) -> None:
    row = outreaches.row(contact(**{"direction": "outbound", "category": "marketing", **data}))
    assert (row and row["campaign"]) == campaign


def test_an_ending_and_a_referral_are_kept_by_party() -> None:
    row = endings.row(event("relationship.ended", {"reason": "moved"}))
    assert (row["party"], row["reason"], row["time"]) == (M1, "moved", NOON)
    row = referrals.row(
        event(
            "referral.made",
            {"referred": [{"type": "cookie", "value": "c"}, {"type": "member", "value": "m-2"}]},
        )
    )
    assert (row["party"], row["referred"]) == (M1, PARTY_IDS.of("member", "M2"))


RUN = {
    "run_id": "run-1",
    "as_of": "2026-07-01T00:00:00Z",
    "position": "0:1",
    "customers": 3,
    "parameters": {},
    "figures": {"share": 0.25},
}


def test_a_run_counts_only_from_rapports_own_source() -> None:
    [(key, row)] = analytics_runs.lift(
        event("analytics.run_completed", RUN, nobodys=True, source=ANALYTICS)
    ).items()
    assert (key, row["customers"], row["as_of"]) == (("run-1",), 3, datetime(2026, 7, 1, tzinfo=UTC))
    assert json.decode(row["run"]) == RUN
    assert analytics_runs.lift(event("analytics.run_completed", RUN, nobodys=True)) == {}


def test_each_version_of_a_segment_is_kept_with_its_rule() -> None:
    rule = {"all": [{"score": "tier", "in": ["VIP", "A"]}]}
    [(key, row)] = segments.lift(
        event("segment.defined", {"segment_id": "s", "version": 2, "rule": rule}, nobodys=True)
    ).items()
    assert key == ("s", 2)
    assert json.decode(row["rule"]) == rule
