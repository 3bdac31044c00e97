"""L6: refunds claw back pro rata and add up; from the order's own lot first."""

import pytest

from tests.unit.loyalty.ledger import (
    ACCOUNT,
    CIRCLE,
    NEGATIVE,
    TENTH,
    Ledger,
    bought,
    captured,
    earned,
    held,
    redeemed,
    refunded,
)


@pytest.mark.parametrize(("amount", "points"), [("1", 0), ("5", 0), ("10", -1), ("20", -2)])
def test_l06_a_refund_alone_reverses_its_share(amount: str, points: int) -> None:
    ledger = Ledger(
        [bought("2024-01-01", "o-1", "100.00"), refunded("2024-01-02", "f-1", "o-1", amount)], TENTH
    )
    assert ledger.points("clawed_back") == [points]


def test_l06_several_refunds_reverse_the_difference_to_what_earlier_ones_did() -> None:
    refunds = [refunded("2024-01-02", f"f-{amount}", "o-1", amount) for amount in ("1", "5", "10", "20")]
    assert Ledger([bought("2024-01-01", "o-1", "100.00"), *refunds], TENTH).points("clawed_back") == [
        0,
        0,
        -1,
        -2,
    ]


def test_l06_refunds_in_full_and_beyond_reverse_exactly_what_was_earned() -> None:
    refunds = [refunded("2024-01-02", f"f-{number}", "o-1", "33.33") for number in range(5)]
    ledger = Ledger([bought("2024-01-01", "o-1", "99.99"), *refunds], TENTH)
    assert sum(ledger.points("clawed_back")) == -9
    assert ledger.view("2024-02-01")["balance"] == 0


def test_l06_a_repeated_refund_id_does_nothing() -> None:
    refund = refunded("2024-01-02", "f-1", "o-1", "50")
    history = [
        refund,
        refund,
        bought("2024-01-01", "o-1", "100"),
        refund,
        refunded("2024-01-02", "f-1", "o-2", "1"),
    ]
    assert Ledger(history).points("clawed_back") == [-50]


def test_l06_takes_the_orders_own_lot_first_even_after_it_expired() -> None:
    history = [
        earned("2024-01-01", 30, "2024-12-01"),
        bought("2024-01-01", "o-1", "100"),
        earned("2025-06-01", 40, None),
        refunded("2025-06-02", "f-1", "o-1", "100"),
    ]
    ledger = Ledger(history)
    assert [each["lot"] for each in ledger.entries("clawed_back")[0]["allocations"]] == ["e1"]
    assert ledger.view("2025-07-01")["balance"] == 40
    assert [(each["kind"], each["points"]) for each in ledger.statement("2025-07-01")] == [
        ("earned", 30),
        ("earned", 100),
        ("expired", -30),
        ("earned", 40),
        ("clawed_back", -100),
    ]


def test_l06_then_takes_others_in_the_order_of_debits() -> None:
    history = [
        bought("2024-01-01", "o-1", "100"),
        redeemed("2024-01-02", "r-1", 90),
        earned("2024-01-03", 50, None),
        earned("2024-01-03", 60, "2024-06-01"),
        refunded("2024-01-04", "f-1", "o-1", "100"),
    ]
    entry = Ledger(history).entries("clawed_back")[0]
    assert [(each["lot"], each["points"]) for each in entry["allocations"]] == [
        ("e0", 10),
        ("e3", 60),
        ("e2", 30),
    ]


def test_l06_what_cannot_be_taken_is_dropped_and_recorded() -> None:
    history = [
        bought("2024-01-01", "o-1", "100"),
        redeemed("2024-01-02", "r-1", 90),
        refunded("2024-01-04", "f-1", "o-1", "100"),
    ]
    ledger = Ledger(history)
    (entry,) = ledger.entries("clawed_back")
    assert (entry["points"], entry["shortfall"], ledger.view("2024-02-01")["deficit"]) == (-10, 90, 0)


def test_l06_or_becomes_deficit() -> None:
    history = [
        bought("2024-01-01", "o-1", "100"),
        redeemed("2024-01-02", "r-1", 90),
        refunded("2024-01-04", "f-1", "o-1", "100"),
    ]
    ledger = Ledger(history, NEGATIVE)
    (entry,) = ledger.entries("clawed_back")
    assert (entry["points"], entry["shortfall"], ledger.view("2024-02-01")["balance"]) == (-100, 0, -90)


def test_l06_a_refund_before_its_purchase_waits_and_applies_right_after_it_at_its_own_time() -> None:
    history = [
        refunded("2024-01-05", "f-1", "o-1", "10"),
        refunded("2024-01-04", "f-2", "o-1", "20"),
        earned("2024-01-06", 7),
        bought("2024-01-01", "o-1", "100"),
    ]
    ledger = Ledger(history)
    kinds = [(each["kind"], each["event_id"], each["points"]) for each in ledger.folded.entries]
    assert kinds == [
        ("anomaly", "e0", 0),
        ("earned", "e2", 7),
        ("earned", "e3", 100),
        ("clawed_back", "e0", -10),
        ("clawed_back", "e1", -20),
    ]
    assert [each["time"].day for each in ledger.entries("clawed_back")] == [5, 4]


def test_l06_a_waiting_refund_releases_holds_that_expired_by_its_time_when_it_arrives() -> None:
    history = [
        earned("2024-01-01", 100),
        held("2024-01-01", "h-1", 60, "2024-01-03"),
        refunded("2024-01-05", "f-1", "o-1", "10"),
        captured("2024-01-02", "h-1", 60),
    ]
    assert Ledger(history).anomalies() == ["implicit_enrolment", "hold_expired"]


def test_l06_a_waiting_refund_releases_holds_that_expired_by_its_time_when_it_applies() -> None:
    history = [
        earned("2024-01-01", 100),
        refunded("2024-01-05", "f-1", "o-1", "100"),
        held("2024-01-01", "h-1", 60, "2024-01-04"),
        bought("2024-01-02", "o-1", "100"),
        captured("2024-01-03", "h-1", 60),
    ]
    ledger = Ledger(history)
    assert ledger.anomalies() == ["implicit_enrolment", "hold_expired"]
    assert [each["kind"] for each in ledger.folded.entries][-4:] == [
        "earned",
        "hold_released",
        "clawed_back",
        "anomaly",
    ]


@pytest.mark.parametrize("toml", [CIRCLE, NEGATIVE])
def test_l06_a_refund_in_another_currency_reverses_nothing(toml: str) -> None:
    history = [bought("2024-01-01", "o-1", "100"), refunded("2024-01-02", "f-1", "o-1", "100", "USD")]
    ledger = Ledger(history, toml)
    assert ledger.points("clawed_back") == []
    assert ledger.anomalies() == ["implicit_enrolment", "currency_mismatch"]


def test_l06_an_order_of_nothing_can_be_refunded() -> None:
    history = [bought("2024-01-01", "o-1", "0"), refunded("2024-01-02", "f-1", "o-1", "1")]
    assert Ledger(history).points("clawed_back") == [0]


def test_l06_purchases_and_refunds_count_for_the_member_they_name_and_for_nobody_without_one() -> None:
    history = [
        bought("2024-01-01", "o-1", "100", member=None),
        bought("2024-01-01", "o-2", "70", member="M2"),
        bought("2024-01-01", "o-3", "50", member=ACCOUNT),
        refunded("2024-01-02", "f-1", "o-2", "70", member=ACCOUNT),
    ]
    ledger = Ledger(history)
    assert {key[0] for key in ledger.folded.rows} == {"M1", "M2"}
    assert ledger.view("2024-02-01")["balance"] == 50
    assert Ledger(history, account="M2").view("2024-02-01")["balance"] == 70
