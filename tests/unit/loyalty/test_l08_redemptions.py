"""L8: redemptions are decided in log order."""

from tests.unit.loyalty.ledger import Ledger, cancelled, earned, redeemed


def test_l08_a_request_within_what_is_available_is_accepted() -> None:
    ledger = Ledger([earned("2024-01-01", 100), redeemed("2024-01-02", "r-1", 100, "p-2")])
    (entry,) = ledger.entries("redeemed")
    assert (entry["points"], entry["reason"], entry["partner"], entry["balance_after"]) == (
        -100,
        "mug",
        "p-2",
        0,
    )


def test_l08_a_request_beyond_it_is_rejected_with_an_entry_of_no_points() -> None:
    ledger = Ledger([earned("2024-01-01", 100), redeemed("2024-01-02", "r-1", 101)])
    (entry,) = ledger.entries("redemption_rejected")
    assert (entry["points"], entry["reason"], entry["balance_after"]) == (0, "insufficient_points", 100)


def test_l08_a_repeated_redemption_id_changes_nothing_whatever_its_outcome_was() -> None:
    history = [
        redeemed("2024-01-01", "r-0", 50),
        earned("2024-01-01", 100),
        redeemed("2024-01-01", "r-0", 50),
        redeemed("2024-01-02", "r-1", 60),
        redeemed("2024-01-03", "r-1", 60),
        cancelled("2024-01-04", "r-1"),
        redeemed("2024-01-05", "r-1", 60),
    ]
    ledger = Ledger(history)
    assert (ledger.points("redeemed"), ledger.points("redemption_rejected")) == ([-60], [0])
    assert ledger.anomalies() == ["implicit_enrolment"]
    assert ledger.view("2024-02-01")["balance"] == 100


def test_l08_a_repeated_redemption_id_with_other_points_is_an_anomaly() -> None:
    history = [
        earned("2024-01-01", 100),
        redeemed("2024-01-02", "r-1", 60),
        redeemed("2024-01-03", "r-1", 30),
    ]
    ledger = Ledger(history)
    assert ledger.anomalies() == ["implicit_enrolment", "redemption_conflict"]
    assert ledger.view("2024-02-01")["balance"] == 40


def test_l08_the_outcome_is_kept_for_whoever_asks_again() -> None:
    ledger = Ledger(
        [earned("2024-01-01", 100), redeemed("2024-01-02", "r-1", 60), redeemed("2024-01-02", "r-2", 60)]
    )
    states = [ledger.folded.rows["M1", "redemption", each] for each in ("r-1", "r-2")]
    assert [(row["state"]["status"], row["state"]["available"]) for row in states if row] == [
        ("accepted", 40),
        ("rejected", 40),
    ]
