"""L7: corrections by hand."""

from tests.unit.loyalty.ledger import NEGATIVE, Ledger, adjusted, earned


def test_l07_a_positive_adjustment_is_a_lot_that_does_not_qualify() -> None:
    view = Ledger([adjusted("2024-07-06", 5000), adjusted("2024-07-06", 1, None)]).view("2024-08-01")
    assert (view["balance"], view["qualifying_points"], view["tier"]) == (5001, 0, "base")
    assert [each["expires_at"] for each in view["lots"]] == ["2025-07-31T17:00:00Z", None]


def test_l07_a_negative_adjustment_is_a_debit_that_drops_what_is_not_there() -> None:
    ledger = Ledger([earned("2024-01-01", 30), adjusted("2024-01-02", -50)])
    (entry,) = ledger.entries("adjusted")
    assert (entry["points"], entry["shortfall"]) == (-30, 20)
    assert ledger.view("2024-01-02")["balance"] == 0


def test_l07_or_leaves_a_deficit_where_the_terms_say_so() -> None:
    ledger = Ledger([earned("2024-01-01", 30), adjusted("2024-01-02", -50)], NEGATIVE)
    (entry,) = ledger.entries("adjusted")
    assert (entry["points"], entry["shortfall"]) == (-50, 0)
    assert ledger.view("2024-01-02")["deficit"] == 20
