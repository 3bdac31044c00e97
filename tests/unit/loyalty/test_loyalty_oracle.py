"""The second implementation of the loyalty rules, held to their worked cases and to what must always hold."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from shared.envelope import RecordedEvent
from shared.events.data import EventData
from tests.loyalty_histories import ACCOUNT, MEMBER, History, event, random_history
from tests.loyalty_oracle import account_at, entries_at, redemption_outcome
from tests.loyalty_oracle.reading import book_at

PROGRAMMES = """
default_programme = "circle"

[programme.circle]
timezone = "Asia/Bangkok"
currency = "EUR"

[[programme.circle.terms]]
effective_from = 1990-01-01
points_per_unit = "{rate}"
validity_months = 12
clawback = "{clawback}"
tiers = [
  {{ name = "silver", threshold = 1000, multiplier = "1.25" }},
  {{ name = "gold", threshold = 5000, multiplier = "1.5" }},
]
"""
CIRCLE = PROGRAMMES.format(rate="1", clawback="clamp")
ONE_FOR_TEN = PROGRAMMES.format(rate="0.1", clawback="clamp")
NEGATIVE = PROGRAMMES.format(rate="1", clawback="allow_negative")
MARCH_1 = "2024-03-01T00:00:00+00:00"


def day(month: int, day_of_month: int, year: int = 2024) -> datetime:
    return datetime(year, month, day_of_month, tzinfo=UTC)


def log(*told: tuple[str, datetime, dict[str, Any]]) -> list[RecordedEvent[EventData]]:
    """Events from their types, times and the data that matters."""
    events = []
    for offset, (kind, time, data) in enumerate(told):
        whose: dict[str, Any] = (
            {"account_id": ACCOUNT} if kind.startswith("loyalty.") else {"customer": [MEMBER]}
        )
        events.append(event(kind, whose | data, time, f"e{offset}", offset))
    return events


def enrolled() -> tuple[str, datetime, dict[str, Any]]:
    return "loyalty.enrolled", day(1, 1), {"programme": "circle"}


def earned(time: datetime, points: int, **more: Any) -> tuple[str, datetime, dict[str, Any]]:
    return "loyalty.points_earned", time, {"points": points, "reason": "welcome", **more}


def bought(
    time: datetime, total: str, order_id: str = "o-1", currency: str = "EUR"
) -> tuple[str, datetime, Any]:
    amount = {"amount": total, "currency": currency}
    return "purchase.completed", time, {"order_id": order_id, "total": amount, "lines": []}


def refunded(
    time: datetime, amount: str, refund_id: str, order_id: str = "o-1"
) -> tuple[str, datetime, dict[str, Any]]:
    given_back = {"amount": amount, "currency": "EUR"}
    return "purchase.refunded", time, {"order_id": order_id, "refund_id": refund_id, "amount": given_back}


def redeemed(time: datetime, points: int, redemption_id: str = "r") -> tuple[str, datetime, dict[str, Any]]:
    asked = {"redemption_id": redemption_id, "points": points, "reward": "mug"}
    return "loyalty.redemption_requested", time, asked


def cancelled(time: datetime, redemption_id: str = "r") -> tuple[str, datetime, dict[str, Any]]:
    return "loyalty.redemption_cancelled", time, {"redemption_id": redemption_id, "reason": "broken"}


def hold(time: datetime, points: int, until: datetime) -> tuple[str, datetime, dict[str, Any]]:
    return "loyalty.hold_placed", time, {"hold_id": "h", "points": points, "expires_at": until.isoformat()}


def captured(time: datetime, points: int) -> tuple[str, datetime, dict[str, Any]]:
    return "loyalty.hold_captured", time, {"hold_id": "h", "points": points, "reward": "mug"}


def account(
    events: Sequence[RecordedEvent[EventData]], at: datetime, programmes: str = CIRCLE
) -> dict[str, Any]:
    read = account_at(programmes, events, at)
    assert read is not None
    return read


def shown(entries: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(entry["kind"], entry["points"]) for entry in entries]


def codes(read: dict[str, Any]) -> list[str]:
    return [anomaly["code"] for anomaly in read["anomalies"]]


def clawed_back(*amounts: str) -> list[int]:
    refunds = [refunded(day(2, 1), amount, f"r-{place}") for place, amount in enumerate(amounts)]
    entries = entries_at(ONE_FOR_TEN, log(enrolled(), bought(day(1, 2), "100.00"), *refunds), day(3, 1))
    return [-entry["points"] for entry in entries if entry["kind"] == "clawed_back"]


def test_l6_single_refunds_of_1_5_10_and_20_on_an_order_of_100_reverse_0_0_1_and_2_points() -> None:
    assert [clawed_back(amount) for amount in ("1.00", "5.00", "10.00", "20.00")] == [[0], [0], [1], [2]]


def test_l6_the_same_refunds_as_a_series_add_up_without_losing_a_fraction() -> None:
    assert clawed_back("1.00", "5.00", "10.00", "20.00") == [0, 0, 1, 2]


def test_l6_refunds_beyond_the_total_reverse_what_was_earned_and_no_more() -> None:
    assert clawed_back("60.00", "60.00", "60.00") == [6, 4, 0]


def test_l9_a_redemption_cancelled_after_a_lot_expired_gives_back_the_rest_only() -> None:
    events = log(
        enrolled(),
        earned(day(1, 2), 100, expires_at=MARCH_1),
        earned(day(1, 2), 50, expires_at=None),
        redeemed(day(2, 1), 120),
        cancelled(day(3, 2)),
    )
    read = account(events, day(3, 3))
    assert (read["available"], read["balance"]) == (50, 50)
    assert shown(entries_at(CIRCLE, events, day(3, 3))) == [
        ("earned", 100),
        ("earned", 50),
        ("redeemed", -120),
        ("expired", -100),
        ("redemption_cancelled", 120),
    ]


def test_l3_points_that_expire_first_are_taken_first_and_those_without_expiry_last() -> None:
    events = log(
        earned(day(1, 2), 10, expires_at=None),
        earned(day(1, 3), 10),
        earned(day(1, 4), 10, expires_at=MARCH_1),
        redeemed(day(2, 1), 25),
    )
    assert entries_at(CIRCLE, events, day(2, 2))[-1]["allocations"] == [
        {"lot": "e2", "points": 10},
        {"lot": "e1", "points": 10},
        {"lot": "e0", "points": 5},
    ]


def test_l4_a_credit_repays_the_deficit_before_it_fills_its_lot() -> None:
    events = log(bought(day(1, 2), "100"), redeemed(day(1, 3), 80), refunded(day(1, 4), "100", "r"))
    assert account(events, day(1, 5), NEGATIVE)["deficit"] == 80
    read = account([*events, *log(*[enrolled()] * 3, earned(day(1, 6), 100))[3:]], day(1, 7), NEGATIVE)
    assert (read["balance"], read["deficit"], read["lots"][0]["remaining"]) == (20, 0, 20)


def test_l5_a_purchase_earns_by_the_tier_held_just_before_it() -> None:
    events = log(bought(day(1, 2), "1000.00"), bought(day(1, 3), "10.99", "o-2"))
    assert [entry["points"] for entry in entries_at(CIRCLE, events, day(1, 4))] == [1000, 13]


def test_l5_another_currency_earns_nothing() -> None:
    read = account(log(enrolled(), bought(day(1, 2), "10", currency="THB")), day(1, 3))
    assert (read["balance"], codes(read)) == (0, ["currency_mismatch"])


def test_l6_a_refund_before_its_purchase_waits_and_applies_at_its_own_time() -> None:
    events = log(refunded(day(1, 1), "25", "r"), bought(day(1, 2), "100"))
    entries = entries_at(CIRCLE, events, day(1, 3))
    assert [(entry["time"], entry["points"]) for entry in entries] == [(day(1, 1), -25), (day(1, 2), 100)]


def test_l6_what_cannot_be_clawed_back_is_the_shortfall() -> None:
    events = log(bought(day(1, 2), "100"), redeemed(day(1, 3), 80), refunded(day(1, 4), "50", "r"))
    entry = entries_at(CIRCLE, events, day(1, 5))[-1]
    assert (entry["points"], entry["shortfall"]) == (-20, 30)


def test_l8_a_redemption_of_more_than_is_there_is_rejected_and_its_repeat_has_the_same_outcome() -> None:
    events = log(
        redeemed(day(1, 2), 10), earned(day(1, 3), 10), redeemed(day(1, 4), 10), redeemed(day(1, 4), 9)
    )
    outcome = redemption_outcome(CIRCLE, events, "r")
    assert outcome is not None
    assert outcome["status"] == "rejected"
    assert shown(outcome["entries"]) == [("redemption_rejected", 0)]
    assert codes(account(events, day(1, 5))) == ["implicit_enrolment", "redemption_conflict"]


def test_l10_capturing_a_part_keeps_the_first_points_and_returns_the_rest() -> None:
    events = log(
        enrolled(),
        earned(day(1, 2), 10, expires_at=MARCH_1),
        earned(day(1, 2), 10),
        hold(day(1, 3), 15, day(1, 9)),
        captured(day(1, 4), 12),
    )
    assert account(events, day(1, 3))["held"] == 15
    read = account(events, day(1, 4))
    assert (read["balance"], read["held"], [lot["remaining"] for lot in read["lots"]]) == (8, 0, [8])
    assert entries_at(CIRCLE, events, day(1, 4))[-1]["allocations"] == [
        {"lot": "e1", "points": 10},
        {"lot": "e2", "points": 2},
    ]


def test_l10_a_hold_is_released_when_it_expires_and_cannot_be_captured_then() -> None:
    events = log(enrolled(), earned(day(1, 2), 10), hold(day(1, 3), 10, day(1, 9)), captured(day(1, 9), 10))
    read = account(events, day(1, 9))
    assert (read["available"], read["held"], codes(read)) == (10, 0, ["hold_expired"])
    assert account(events[:3], day(1, 9))["available"] == 10


def test_l12_a_tier_lasts_until_the_end_of_the_next_year_and_neither_spending_nor_clawbacks_end_it() -> None:
    events = log(
        enrolled(), bought(day(5, 1), "1000"), redeemed(day(5, 2), 900), refunded(day(5, 3), "500", "r")
    )
    assert account(events, day(4, 30))["tier"] == "base"
    read = account(events, day(5, 4))
    end = datetime(2025, 12, 31, 17, tzinfo=UTC)
    assert (read["tier"], read["tier_valid_until"], read["qualifying_points"]) == ("silver", end, 500)
    assert account(events, end)["tier"] == "base"


def test_l13_points_expire_on_the_first_day_of_the_month_after_their_validity() -> None:
    events = log(earned(day(7, 6, 2020), 10))
    assert account(events, day(7, 7, 2020))["lots"][0]["expires_at"] == datetime(2021, 7, 31, 17, tzinfo=UTC)


def test_l15_an_account_that_never_enrolled_is_enrolled_by_its_first_event() -> None:
    read = account(log(earned(day(1, 2), 10)), day(1, 3))
    assert (read["programme"], codes(read)) == ("circle", ["implicit_enrolment"])


@pytest.mark.parametrize("seed", range(4))
def test_l11_the_entries_shown_at_any_time_sum_to_the_balance_and_no_lot_has_more_than_it_was_granted(
    seed: int,
) -> None:
    random = Random(seed)
    for _ in range(250):
        history = random_history(random)
        for at in (*history.times, *(each.time - timedelta(microseconds=1) for each in history.events[:3])):
            assert_consistent(history, at)


def assert_consistent(history: History, at: datetime) -> None:
    book = book_at(history.programmes, history.events, at)
    entries = entries_at(history.programmes, history.events, at)
    if book is None:
        assert entries == []
        return
    read = account(history.events, at, history.programmes)
    assert sum(entry["points"] for entry in entries) == read["balance"], history
    assert read["balance"] == read["available"] + read["held"] - read["deficit"], history
    assert min(read["available"], read["held"], read["deficit"], read["qualifying_points"]) >= 0, history
    assert all(0 <= lot.remaining <= lot.granted for lot in book.lots), history
    assert all(entry["time"] <= at for entry in entries), history
