"""The demo's loyalty events, and what it expects of its accounts."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.ops.demo.account_story import is_of_account, longest_history
from services.ops.demo.events import demo_events
from services.ops.demo.points import points_of
from services.ops.demo.programme import programmes_file, programmes_text
from services.ops.demo.sample import PURCHASES, purchases
from services.projections.loyalty.history import fold
from services.projections.loyalty.programme_file import load
from services.projections.loyalty.reading import account_view
from shared.codec import decode_record
from shared.events.catalogue import Catalogue
from tests.strategies import record_of


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return demo_events(purchases())


def test_every_customer_enrols_before_anything_else_of_their_account(events: list[dict[str, Any]]) -> None:
    of_accounts = [event for event in events if is_of_account(event)]
    first = {event["data"]["customer"][0]["value"]: event["type"] for event in reversed(of_accounts)}

    assert set(first.values()) == {"loyalty.enrolled"}
    assert Counter(event["type"] for event in of_accounts)["loyalty.enrolled"] == len(first) == 2357


def test_a_refund_is_of_a_purchase_before_it_and_of_no_more_than_was_paid(
    events: list[dict[str, Any]],
) -> None:
    paid: dict[str, Decimal] = {}
    for event in events:
        data = event["data"]
        if event["type"] == "purchase.completed":
            paid[data["order_id"]] = Decimal(data["total"]["amount"])
        elif event["type"] == "purchase.refunded":
            assert 0 < Decimal(data["amount"]["amount"]) <= paid[data["order_id"]]
    assert len(paid) == PURCHASES


def test_what_the_demo_expects_of_each_account_is_what_the_ledger_comes_to(
    events: list[dict[str, Any]],
) -> None:
    programmes = load(programmes_file())
    catalogue, at = Catalogue(), datetime(1998, 7, 1, 12, tzinfo=UTC)
    of_accounts = [event for event in events if is_of_account(event)]
    folded = fold(
        programmes,
        [
            decode_record(record_of(event, offset=offset), catalogue)
            for offset, event in enumerate(of_accounts)
        ],
    )

    for account_id, points in points_of(events, programmes_text()).items():
        view = account_view(programmes, folded.rows, account_id, at)
        assert isinstance(view, dict), account_id
        assert (view["balance"], view["tier"]) == (points.usable(at.date()), points.tier(at.date())), (
            account_id
        )


def test_purchases_refunds_and_vouchers_come_to_the_points_worked_out_by_hand() -> None:
    terms = programmes_text()
    dear, cheap = _bought("1997-03-01", "a", "800.50"), _bought("1997-05-31", "b", "10.99")
    spent = [_spent("1997-06-01", 806), _spent("1998-04-01", 20)]
    granted = _event("1998-05-02", "loyalty.points_adjusted", points=50)

    (account,) = points_of(
        [dear, cheap, _returned("1997-06-01", "b", "5.00"), *spent, granted], terms
    ).values()

    assert account.earned == 800 + 16  # gold from the first purchase on: 10.99 x 1.5
    assert account.taken_back == 7  # floor(16 x 5 / 10.99)
    assert (account.redeemed, account.refused) == (806, 1)  # what is left, 3 points of b
    assert account.granted == 50
    assert account.usable(datetime(1998, 5, 31, tzinfo=UTC).date()) == 3 + 50
    assert account.usable(datetime(1998, 6, 1, tzinfo=UTC).date()) == 50
    assert account.tier(datetime(1998, 12, 31, tzinfo=UTC).date()) == "gold"
    assert account.tier(datetime(1999, 1, 1, tzinfo=UTC).date()) == "base"


def test_the_longest_history_is_the_account_with_most_events_and_visits_do_not_count() -> None:
    visits = [{"type": "interaction.recorded", "data": {"customer": [{"value": "V"}]}}] * 5

    assert longest_history([*visits, _spent("1997-01-01", 1), _spent("1997-01-02", 1)]) == ("M", 1)


def _bought(day: str, order_id: str, amount: str) -> dict[str, Any]:
    return _event(day, "purchase.completed", order_id=order_id, total={"amount": amount, "currency": "USD"})


def _returned(day: str, order_id: str, amount: str) -> dict[str, Any]:
    return _event(day, "purchase.refunded", order_id=order_id, amount={"amount": amount, "currency": "USD"})


def _spent(day: str, points: int) -> dict[str, Any]:
    return _event(day, "loyalty.redemption_requested", points=points)


def _event(day: str, kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "time": f"{day}T12:00:00-05:00", "data": {"customer": [{"value": "M"}], **data}}
