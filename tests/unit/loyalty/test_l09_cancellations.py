"""L9: a cancelled redemption gives each allocation back to its own lot."""

from tests.unit.loyalty.ledger import NEGATIVE, Ledger, adjusted, cancelled, earned, redeemed

WORKED = [
    earned("2024-01-01", 100, "2024-03-01"),
    earned("2024-01-01", 50, None),
    redeemed("2024-02-01", "r-1", 120),
    cancelled("2024-03-02", "r-1"),
]


def test_l09_points_of_a_lot_that_expired_meanwhile_lapse() -> None:
    ledger = Ledger(WORKED)
    view = ledger.view("2024-03-03")
    assert (view["available"], view["balance"]) == (50, 50)
    assert [(each["kind"], each["points"], each["time"]) for each in ledger.statement("2024-03-03")] == [
        ("earned", 100, "2024-01-01T00:00:00Z"),
        ("earned", 50, "2024-01-01T00:00:00Z"),
        ("redeemed", -120, "2024-02-01T00:00:00Z"),
        ("expired", -100, "2024-03-01T00:00:00Z"),
        ("redemption_cancelled", 120, "2024-03-02T00:00:00Z"),
    ]


def test_l09_points_go_back_with_their_own_expiry() -> None:
    history = [*WORKED[:3], cancelled("2024-02-02", "r-1")]
    view = Ledger(history).view("2024-02-03")
    assert [(each["remaining"], each["granted"], each["expires_at"]) for each in view["lots"]] == [
        (100, 100, "2024-03-01T00:00:00Z"),
        (50, 50, None),
    ]


def test_l09_points_of_an_expired_lot_repay_no_deficit() -> None:
    history = [*WORKED[:3], adjusted("2024-02-15", -70), WORKED[3]]
    view = Ledger(history, NEGATIVE).view("2024-03-03")
    assert (view["deficit"], view["available"], view["balance"]) == (20, 0, -20)


def test_l09_a_lot_that_expires_at_the_moment_of_the_cancellation_has_expired() -> None:
    history = [*WORKED[:3], adjusted("2024-02-15", -70), cancelled("2024-03-01", "r-1")]
    view = Ledger(history, NEGATIVE).view("2024-03-01")
    assert (view["deficit"], view["available"], view["balance"]) == (20, 0, -20)


def test_l09_cancelling_what_is_unknown_rejected_or_cancelled_is_an_anomaly() -> None:
    history = [
        *WORKED,
        cancelled("2024-03-02", "r-1"),
        cancelled("2024-03-02", "r-2"),
        redeemed("2024-03-02", "r-3", 51),
        cancelled("2024-03-02", "r-3"),
    ]
    ledger = Ledger(history)
    assert ledger.anomalies() == [
        "implicit_enrolment",
        "already_cancelled",
        "unknown_redemption",
        "unknown_redemption",
    ]
    assert ledger.view("2024-03-03")["balance"] == 50
