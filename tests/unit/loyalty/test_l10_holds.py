"""L10: holds are tentative redemptions."""

from tests.unit.loyalty.ledger import Ledger, captured, earned, held, redeemed, released

START = [earned("2024-01-01", 40, "2024-02-01"), earned("2024-01-01", 60, None)]


def test_l10_a_hold_sets_points_aside_that_stay_in_the_balance() -> None:
    ledger = Ledger([*START, held("2024-01-02", "h-1", 70, "2024-01-10"), redeemed("2024-01-03", "r-1", 31)])
    view = ledger.view("2024-01-04")
    assert (view["balance"], view["available"], view["held"]) == (100, 30, 70)
    assert ledger.points("redemption_rejected") == [0]


def test_l10_a_hold_of_more_than_is_available_is_rejected() -> None:
    ledger = Ledger([*START, held("2024-01-02", "h-1", 101, "2024-01-10")])
    assert ledger.entries("redemption_rejected")[0]["reason"] == "insufficient_points"
    assert ledger.view("2024-01-03")["held"] == 0


def test_l10_a_hold_that_would_end_before_it_begins_is_rejected() -> None:
    ledger = Ledger([*START, held("2024-01-02", "h-1", 1, "2024-01-02")])
    assert ledger.entries("redemption_rejected")[0]["reason"] == "hold_expired"


def test_l10_capturing_keeps_the_first_points_and_returns_the_rest() -> None:
    history = [*START, held("2024-01-02", "h-1", 70, "2024-01-10"), captured("2024-01-03", "h-1", 50)]
    ledger = Ledger(history)
    (entry,) = ledger.entries("hold_captured")
    assert [(each["lot"], each["points"]) for each in entry["allocations"]] == [("e0", 40), ("e1", 10)]
    view = ledger.view("2024-01-04")
    assert (entry["points"], view["balance"], view["available"], view["held"]) == (-50, 50, 50, 0)


def test_l10_releasing_returns_all() -> None:
    history = [*START, held("2024-01-02", "h-1", 70, "2024-01-10"), released("2024-01-03", "h-1")]
    view = Ledger(history).view("2024-01-03")
    assert (view["available"], view["held"], [each["remaining"] for each in view["lots"]]) == (
        100,
        0,
        [40, 60],
    )


def test_l10_a_hold_is_released_at_its_expiry_before_a_later_event_applies() -> None:
    history = [*START, held("2024-01-02", "h-1", 70, "2024-02-01"), redeemed("2024-02-05", "r-1", 60)]
    ledger = Ledger(history)
    assert ledger.points("redeemed") == [-60]
    (entry,) = ledger.entries("hold_released")
    assert (entry["time"].month, entry["event_id"], entry["points"]) == (2, "e2", 0)


def test_l10_a_hold_that_expired_reads_as_released_before_any_event_comes() -> None:
    history = [*START, held("2024-01-02", "h-1", 70, "2024-01-20"), earned("2024-03-01", 1)]
    alone, followed = Ledger(history[:3]), Ledger(history)
    assert alone.view("2024-01-19T23:59:59")["held"] == 70
    view = alone.view("2024-01-20")
    assert (view["available"], view["held"]) == (100, 0)
    assert alone.statement("2024-02-29") == followed.statement("2024-02-29")
    assert alone.view("2024-02-29") == followed.view("2024-02-29")
    assert [each for each in followed.statement("2024-03-01") if each["kind"] != "earned"] == [
        each for each in alone.statement("2024-02-29") if each["kind"] != "earned"
    ]


def test_l10_points_of_a_lot_that_expired_while_they_were_held_lapse() -> None:
    history = [*START, held("2024-01-02", "h-1", 70, "2024-02-01")]
    ledger = Ledger(history)
    assert ledger.view("2024-01-31")["balance"] == 100
    assert ledger.view("2024-02-01")["balance"] == 60
    assert [each["points"] for each in ledger.statement("2024-02-01") if each["kind"] == "expired"] == [-40]


def test_l10_capturing_or_releasing_after_the_expiry_is_an_anomaly() -> None:
    history = [
        *START,
        held("2024-01-02", "h-1", 70, "2024-01-10"),
        captured("2024-01-10", "h-1", 70),
        released("2024-01-11", "h-1"),
        captured("2024-01-09", "h-1", 70),
    ]
    ledger = Ledger(history)
    assert ledger.anomalies() == ["implicit_enrolment", "hold_expired", "hold_expired", "hold_expired"]
    assert ledger.view("2024-01-12")["available"] == 100


def test_l10_a_repeated_hold_id_returns_the_first_outcome() -> None:
    history = [
        *START,
        held("2024-01-02", "h-1", 70, "2024-01-10"),
        held("2024-01-03", "h-1", 70, "2024-01-20"),
        held("2024-01-03", "h-1", 5, "2024-01-20"),
    ]
    ledger = Ledger(history)
    assert len(ledger.entries("hold_placed")) == 1
    assert ledger.anomalies() == ["implicit_enrolment", "hold_conflict"]
    assert ledger.view("2024-01-10")["held"] == 0


def test_l10_capturing_more_than_is_held_changes_nothing() -> None:
    history = [*START, held("2024-01-02", "h-1", 70, "2024-01-10"), captured("2024-01-03", "h-1", 71)]
    ledger = Ledger(history)
    assert ledger.anomalies() == ["implicit_enrolment", "hold_exceeded"]
    assert ledger.view("2024-01-04")["held"] == 70


def test_l10_what_is_no_open_hold_can_be_neither_captured_nor_released() -> None:
    history = [
        *START,
        captured("2024-01-02", "h-0", 1),
        held("2024-01-02", "h-1", 999, "2024-01-10"),
        released("2024-01-02", "h-1"),
        held("2024-01-02", "h-2", 10, "2024-01-10"),
        captured("2024-01-02", "h-2", 10),
        captured("2024-01-02", "h-2", 10),
        released("2024-01-02", "h-2"),
    ]
    ledger = Ledger(history)
    assert ledger.anomalies() == [
        "implicit_enrolment",
        "unknown_hold",
        "unknown_hold",
        "hold_closed",
        "hold_closed",
    ]
    assert ledger.view("2024-01-03")["balance"] == 90
