"""L5: purchases earn floor(total x points_per_unit x multiplier), by the terms and the tier of their time."""

import pytest

from tests.unit.loyalty.ledger import CIRCLE, TENTH, Ledger, bought, earned

LATER_TERMS = """
[[programme.circle.terms]]
effective_from = 2024-07-01
points_per_unit = "2"
validity_months = 0
clawback = "clamp"
"""


@pytest.mark.parametrize(
    ("total", "points"), [("0", 0), ("9.99", 0), ("10.00", 1), ("19.9999", 1), ("100.00", 10)]
)
def test_l05_a_purchase_earns_whole_points_rounded_down(total: str, points: int) -> None:
    ledger = Ledger([bought("2024-01-01", "o-1", total)], TENTH)
    assert ledger.points("earned") == [points]
    assert len(ledger.view("2024-01-01")["lots"]) == (points > 0)


def test_l05_amounts_are_multiplied_exactly() -> None:
    toml = CIRCLE.replace('points_per_unit = "1"', 'points_per_unit = "0.1"').replace('"1.25"', '"1.1"')
    history = [earned("2024-01-01", 1000), bought("2024-01-02", "o-1", "999999999999.9999")]
    assert Ledger(history, toml).points("earned") == [1000, 109_999_999_999]
    # 100 x 0.29 is 28.999999999999996 in binary floating point
    assert Ledger([bought("2024-01-01", "o-1", "100")], CIRCLE.replace('= "1"', '= "0.29"')).points(
        "earned"
    ) == [29]


def test_l05_the_terms_are_the_latest_not_after_the_local_date() -> None:
    history = [
        bought("2024-06-30T16:59:59.999999", "o-1", "10"),  # 23:59 in Bangkok
        bought("2024-06-30T17:00:00", "o-2", "10"),
        bought("2024-06-30T16:00:00", "o-3", "10"),
    ]
    assert Ledger(history, CIRCLE + LATER_TERMS).points("earned") == [10, 20, 10]


def test_l05_the_multiplier_is_that_of_the_tier_held_just_before_the_purchase() -> None:
    history = [
        bought("2024-01-01", "o-1", "1000"),
        bought("2024-01-01", "o-2", "100"),
        bought("2023-12-31", "o-3", "100"),
    ]
    assert Ledger(history).points("earned") == [1000, 125, 100]


def test_l05_another_currency_earns_nothing_and_is_an_anomaly() -> None:
    ledger = Ledger([bought("2024-01-01", "o-1", "100", "USD")])
    assert ledger.points("earned") == [0]
    assert ledger.anomalies() == ["implicit_enrolment", "currency_mismatch"]


def test_l05_before_the_first_terms_a_purchase_earns_nothing_and_is_an_anomaly() -> None:
    ledger = Ledger([bought("1980-01-01", "o-1", "100")])
    assert ledger.points("earned") == [0]
    assert ledger.anomalies() == ["implicit_enrolment", "no_terms"]


def test_l05_an_order_earns_once() -> None:
    ledger = Ledger([bought("2024-01-01", "o-1", "100"), bought("2024-01-02", "o-1", "100")])
    assert ledger.points("earned") == [100]
    assert ledger.anomalies() == ["implicit_enrolment", "order_repeated"]


def test_l05_a_purchase_beyond_measure_earns_nothing_and_is_an_anomaly() -> None:
    ledger = Ledger([bought("2024-01-01", "o-1", "999999999999999")])
    assert ledger.points("earned") == [0]
    assert ledger.anomalies() == ["implicit_enrolment", "points_out_of_range"]
