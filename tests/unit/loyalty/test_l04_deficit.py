"""L4: credits and restored points of usable lots repay the deficit first."""

from tests.unit.loyalty.ledger import NEGATIVE, Ledger, adjusted, cancelled, earned, held, redeemed, released


def test_l04_a_credit_repays_the_deficit_and_only_the_rest_stays_in_its_lot() -> None:
    ledger = Ledger(
        [earned("2024-01-01", 10), adjusted("2024-01-02", -40), earned("2024-01-03", 50)], NEGATIVE
    )
    assert ledger.view("2024-01-02")["deficit"] == 30
    assert ledger.view("2024-01-02")["balance"] == -30
    assert ledger.view("2024-01-02")["available"] == 0
    view = ledger.view("2024-01-03")
    assert (view["deficit"], view["balance"], view["lots"][0]["granted"], view["lots"][0]["remaining"]) == (
        0,
        20,
        50,
        20,
    )


def test_l04_restored_points_of_a_usable_lot_repay_the_deficit() -> None:
    ledger = Ledger(
        [
            earned("2024-01-01", 100, None),
            redeemed("2024-01-02", "r-1", 100),
            adjusted("2024-01-03", -30),
            cancelled("2024-01-04", "r-1"),
        ],
        NEGATIVE,
    )
    view = ledger.view("2024-01-05")
    assert (view["deficit"], view["available"], view["balance"]) == (0, 70, 70)


def test_l04_points_of_a_hold_that_go_back_repay_the_deficit() -> None:
    ledger = Ledger(
        [
            earned("2024-01-01", 100, None),
            held("2024-01-02", "h-1", 100, "2024-02-01"),
            adjusted("2024-01-03", -30),
            released("2024-01-04", "h-1"),
        ],
        NEGATIVE,
    )
    before, after = ledger.view("2024-01-03"), ledger.view("2024-01-04")
    assert (before["held"], before["deficit"], before["balance"]) == (100, 30, 70)
    assert (after["held"], after["deficit"], after["available"], after["balance"]) == (0, 0, 70, 70)


def test_l04_a_credit_that_had_expired_when_it_came_repays_too() -> None:
    ledger = Ledger([adjusted("2024-01-01", -10), earned("2024-01-03", 15, "2024-01-02")], NEGATIVE)
    assert ledger.view("2024-01-03")["deficit"] == 0
    assert ledger.view("2024-01-03")["balance"] == 0
