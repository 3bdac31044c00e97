"""The second implementation of the loyalty rules, held to their worked cases and to what must always hold."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.loyalty_histories import History, random_history
from tests.loyalty_oracle import account_at, entries_at, redemption_outcome
from tests.loyalty_oracle.reading import book_at
from tests.unit.loyalty.ledger import (
    CIRCLE,
    NEGATIVE,
    TENTH,
    Happened,
    at,
    bought,
    cancelled,
    captured,
    earned,
    enrolled,
    held,
    recorded,
    redeemed,
    refunded,
)


def account(history: Sequence[Happened], time: str, programmes: str = CIRCLE) -> dict[str, Any]:
    read = account_at(programmes, recorded(history), at(time))
    assert read is not None
    return read


def entries(history: Sequence[Happened], time: str, programmes: str = CIRCLE) -> list[dict[str, Any]]:
    return entries_at(programmes, recorded(history), at(time))


def shown(listed: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(entry["kind"], entry["points"]) for entry in listed]


def codes(read: dict[str, Any]) -> list[str]:
    return [anomaly["code"] for anomaly in read["anomalies"]]


def clawed_back(*amounts: str) -> list[int]:
    refunds = [refunded("2024-02-01", f"r-{place}", "o-1", amount) for place, amount in enumerate(amounts)]
    history = [enrolled("2024-01-01"), bought("2024-01-02", "o-1", "100.00"), *refunds]
    return [
        -entry["points"] for entry in entries(history, "2024-03-01", TENTH) if entry["kind"] == "clawed_back"
    ]


def test_l6_single_refunds_of_1_5_10_and_20_on_an_order_of_100_reverse_0_0_1_and_2_points() -> None:
    assert [clawed_back(amount) for amount in ("1.00", "5.00", "10.00", "20.00")] == [[0], [0], [1], [2]]


def test_l6_the_same_refunds_as_a_series_add_up_without_losing_a_fraction() -> None:
    assert clawed_back("1.00", "5.00", "10.00", "20.00") == [0, 0, 1, 2]


def test_l6_refunds_beyond_the_total_reverse_what_was_earned_and_no_more() -> None:
    assert clawed_back("60.00", "60.00", "60.00") == [6, 4, 0]


def test_l9_a_redemption_cancelled_after_a_lot_expired_gives_back_the_rest_only() -> None:
    history = [
        enrolled("2024-01-01"),
        earned("2024-01-02", 100, "2024-03-01"),
        earned("2024-01-02", 50, None),
        redeemed("2024-02-01", "r", 120),
        cancelled("2024-03-02", "r"),
    ]
    read = account(history, "2024-03-03")
    assert (read["available"], read["balance"]) == (50, 50)
    assert shown(entries(history, "2024-03-03")) == [
        ("earned", 100),
        ("earned", 50),
        ("redeemed", -120),
        ("expired", -100),
        ("redemption_cancelled", 120),
    ]


def test_l3_points_that_expire_first_are_taken_first_and_those_without_expiry_last() -> None:
    history = [
        earned("2024-01-02", 10, None),
        earned("2024-01-03", 10),
        earned("2024-01-04", 10, "2024-03-01"),
        redeemed("2024-02-01", "r", 25),
    ]
    assert entries(history, "2024-02-02")[-1]["allocations"] == [
        {"lot": "e2", "points": 10},
        {"lot": "e1", "points": 10},
        {"lot": "e0", "points": 5},
    ]


def test_l4_a_credit_repays_the_deficit_before_it_fills_its_lot() -> None:
    history = [
        bought("2024-01-02", "o-1", "100"),
        redeemed("2024-01-03", "r", 80),
        refunded("2024-01-04", "f", "o-1", "100"),
        earned("2024-01-06", 100),
    ]
    assert account(history, "2024-01-05", NEGATIVE)["deficit"] == 80
    read = account(history, "2024-01-07", NEGATIVE)
    assert (read["balance"], read["deficit"], read["lots"][0]["remaining"]) == (20, 0, 20)


def test_l5_a_purchase_earns_by_the_tier_held_just_before_it() -> None:
    history = [bought("2024-01-02", "o-1", "1000.00"), bought("2024-01-03", "o-2", "10.99")]
    assert [entry["points"] for entry in entries(history, "2024-01-04")] == [1000, 13]


def test_l5_another_currency_earns_nothing() -> None:
    read = account([enrolled("2024-01-01"), bought("2024-01-02", "o-1", "10", "THB")], "2024-01-03")
    assert (read["balance"], codes(read)) == (0, ["currency_mismatch"])


def test_l6_a_refund_before_its_purchase_waits_and_applies_at_its_own_time() -> None:
    history = [refunded("2024-01-01", "f", "o-1", "25"), bought("2024-01-02", "o-1", "100")]
    assert [(entry["time"], entry["points"]) for entry in entries(history, "2024-01-03")] == [
        (at("2024-01-01"), -25),
        (at("2024-01-02"), 100),
    ]


def test_l6_what_cannot_be_clawed_back_is_the_shortfall() -> None:
    history = [
        bought("2024-01-02", "o-1", "100"),
        redeemed("2024-01-03", "r", 80),
        refunded("2024-01-04", "f", "o-1", "50"),
    ]
    entry = entries(history, "2024-01-05")[-1]
    assert (entry["points"], entry["shortfall"]) == (-20, 30)


def test_l8_a_redemption_of_more_than_is_there_is_rejected_and_its_repeat_has_the_same_outcome() -> None:
    history = [
        redeemed("2024-01-02", "r", 10),
        earned("2024-01-03", 10),
        redeemed("2024-01-04", "r", 10),
        redeemed("2024-01-04", "r", 9),
        redeemed("2024-01-04", "s", 4),
    ]
    rejected = redemption_outcome(CIRCLE, recorded(history), "r")
    accepted = redemption_outcome(CIRCLE, recorded(history), "s")
    assert rejected is not None
    assert accepted is not None
    assert (rejected["status"], shown(rejected["entries"])) == ("rejected", [("redemption_rejected", 0)])
    assert (accepted["status"], shown(accepted["entries"])) == ("accepted", [("redeemed", -4)])
    assert (rejected["available"], accepted["available"]) == (0, 6)
    assert redemption_outcome(CIRCLE, recorded(history), "t") is None
    assert codes(account(history, "2024-01-05")) == ["implicit_enrolment", "redemption_conflict"]


def test_l10_capturing_a_part_keeps_the_first_points_and_returns_the_rest() -> None:
    history = [
        enrolled("2024-01-01"),
        earned("2024-01-02", 10, "2024-03-01"),
        earned("2024-01-02", 10),
        held("2024-01-03", "h", 15, "2024-01-09"),
        captured("2024-01-04", "h", 12),
    ]
    assert account(history, "2024-01-03")["held"] == 15
    read = account(history, "2024-01-04")
    assert (read["balance"], read["held"], [lot["remaining"] for lot in read["lots"]]) == (8, 0, [8])
    assert entries(history, "2024-01-04")[-1]["allocations"] == [
        {"lot": "e1", "points": 10},
        {"lot": "e2", "points": 2},
    ]


def test_l10_a_hold_is_released_when_it_expires_and_cannot_be_captured_then() -> None:
    history = [
        enrolled("2024-01-01"),
        earned("2024-01-02", 10),
        held("2024-01-03", "h", 10, "2024-01-09"),
        captured("2024-01-09", "h", 10),
    ]
    read = account(history, "2024-01-09")
    assert (read["available"], read["held"], codes(read)) == (10, 0, ["hold_expired"])
    assert account(history[:3], "2024-01-09")["available"] == 10


@pytest.mark.parametrize(
    "without_effect",
    [
        enrolled("2024-01-10"),
        refunded("2024-01-10", "f", "unknown", "1"),
        cancelled("2024-01-10", "unknown"),
        redeemed("2024-01-10", "r", 1000),
    ],
)
def test_l10_an_event_without_effect_releases_what_has_expired_for_good(without_effect: Happened) -> None:
    history = [
        enrolled("2024-01-01"),
        earned("2024-01-02", 10),
        held("2024-01-03", "h", 10, "2024-01-09"),
        without_effect,
        captured("2024-01-04", "h", 10),
    ]
    assert "hold_expired" in codes(account(history, "2024-01-11"))


def test_l12_a_tier_lasts_until_the_end_of_the_next_year_and_neither_spending_nor_clawbacks_end_it() -> None:
    history = [
        enrolled("2024-01-01"),
        bought("2024-05-01", "o-1", "1000"),
        redeemed("2024-05-02", "r", 900),
        refunded("2024-05-03", "f", "o-1", "500"),
    ]
    assert account(history, "2024-04-30")["tier"] == "base"
    read = account(history, "2024-05-04")
    end = datetime(2025, 12, 31, 17, tzinfo=UTC)
    assert (read["tier"], read["tier_valid_until"], read["qualifying_points"]) == ("silver", end, 500)
    assert account(history, end.isoformat())["tier"] == "base"


def test_l13_points_expire_on_the_first_day_of_the_month_after_their_validity() -> None:
    read = account([earned("2020-07-06", 10)], "2020-07-07")
    assert read["lots"][0]["expires_at"] == datetime(2021, 7, 31, 17, tzinfo=UTC)


def test_l15_an_account_that_never_enrolled_is_enrolled_by_its_first_event() -> None:
    read = account([earned("2024-01-02", 10)], "2024-01-03")
    assert (read["programme"], codes(read)) == ("circle", ["implicit_enrolment"])


@pytest.mark.parametrize("seed", range(4))
def test_l11_the_entries_shown_at_any_time_sum_to_the_balance_and_no_lot_has_more_than_it_was_granted(
    seed: int,
) -> None:
    random = Random(seed)
    for _ in range(250):
        history = random_history(random)
        for time in (*history.times, *(each.time - timedelta(microseconds=1) for each in history.events[:3])):
            assert_consistent(history, time)


def assert_consistent(history: History, time: datetime) -> None:
    book = book_at(history.programmes, history.events, time)
    listed = entries_at(history.programmes, history.events, time)
    if book is None:
        assert listed == []
        return
    read = account_at(history.programmes, history.events, time)
    assert read is not None
    assert sum(entry["points"] for entry in listed) == read["balance"], history
    assert read["balance"] == read["available"] + read["held"] - read["deficit"], history
    assert min(read["available"], read["held"], read["deficit"], read["qualifying_points"]) >= 0, history
    assert all(0 <= lot.remaining <= lot.granted for lot in book.lots), history
    assert all(entry["time"] <= time for entry in listed), history
