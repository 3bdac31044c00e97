"""What a campaign changed, beside those who were left out of it."""

from decimal import Decimal
from math import sqrt

import pytest

from services.projections.analytics.win_back import (
    LAST_IN_CONTROL,
    Arm,
    Assumptions,
    Outcome,
    in_control,
    win_back,
)

NOTHING = Assumptions(0, Decimal(0), Decimal("0.3"))


def arm(customers: int, returned: int, net: str = "0") -> Arm:
    return Arm(customers, returned, Decimal(net), Decimal(0), 0)


def test_one_customer_in_ten_is_the_control_of_a_campaign_and_others_of_another() -> None:
    customers = [f"pty_{number:026}" for number in range(20_000)]
    spring = {each for each in customers if in_control(each, "spring")}
    autumn = {each for each in customers if in_control(each, "autumn")}
    assert len(spring) == pytest.approx(2_000, abs=200)
    assert len(spring & autumn) == pytest.approx(200, abs=60)
    assert LAST_IN_CONTROL == 0x1999999999999999


def test_what_counts_is_what_came_in_beyond_what_the_control_leads_to_expect() -> None:
    found = win_back(
        arm(200, 50, "1500.00"), arm(20, 2, "100.00"), Assumptions(210, Decimal("0.50"), Decimal("0.3"))
    )
    assert found == {
        "contact_cost": "105.00",
        "uplift": 0.15,
        "standard_error": pytest.approx(sqrt(0.25 * 0.75 / 200 + 0.1 * 0.9 / 20), abs=1e-6),
        "extra_customers": 30.0,
        "extra_net": "500.00",
        "result": "45.00",
    }


@pytest.mark.parametrize(("contacted", "control"), [(arm(0, 0), arm(5, 1)), (arm(5, 1), arm(0, 0))])
def test_without_customers_on_either_side_nothing_is_compared(contacted: Arm, control: Arm) -> None:
    found = win_back(contacted, control, NOTHING)
    assert {name for name, value in found.items() if value is None} == set(found) - {"contact_cost"}


def test_an_arm_is_the_sum_of_its_outcomes() -> None:
    made = Arm.of([Outcome(), Outcome(True, Decimal("9.50"), Decimal("0.50"), is_open=True)])
    assert made.figures() == {
        "customers": 2,
        "returned": 1,
        "share": 0.5,
        "net": "9.50",
        "net_per_customer": "4.75",
        "discounts": "0.50",
        "still_open": 1,
    }
    assert Arm.of([]).figures()["net_per_customer"] is None
