"""L2: a credit makes a lot; it is usable until it expires, and remaining points are all that is stored."""

from tests.unit.loyalty.ledger import Ledger, earned, redeemed


def test_l02_a_lot_is_usable_until_the_moment_it_expires() -> None:
    history = [earned("2024-01-01", 100, "2024-03-01")]
    assert Ledger(history).view("2024-02-29T23:59:59.999999")["available"] == 100
    assert Ledger(history).view("2024-03-01")["available"] == 0
    assert Ledger([*history, redeemed("2024-03-01", "r-1", 1)]).points("redeemed") == []


def test_l02_a_lot_that_never_expires_stays_usable() -> None:
    assert Ledger([earned("2024-01-01", 100, None)]).view("2999-01-01")["available"] == 100


def test_l02_a_lot_says_what_was_granted_what_remains_when_by_whom() -> None:
    ledger = Ledger(
        [earned("2024-01-01", 100, "2024-03-01", partner="p-1"), redeemed("2024-01-02", "r-1", 30)]
    )
    assert ledger.view("2024-02-01")["lots"] == [
        {
            "event_id": "e0",
            "granted": 100,
            "remaining": 70,
            "occurred_at": "2024-01-01T00:00:00Z",
            "expires_at": "2024-03-01T00:00:00Z",
            "partner": "p-1",
        }
    ]


def test_l02_a_late_redemption_may_use_a_lot_that_came_later_in_time() -> None:
    ledger = Ledger([earned("2024-02-01", 100), redeemed("2024-01-01", "r-1", 100)])
    assert ledger.points("redeemed") == [-100]


def test_l02_a_late_redemption_may_use_a_lot_that_has_expired_since() -> None:
    ledger = Ledger(
        [
            earned("2024-01-01", 100, "2024-03-01"),
            earned("2024-06-01", 5),
            redeemed("2024-02-01", "r-1", 100),
        ]
    )
    assert ledger.points("redeemed") == [-100]
    assert [each["kind"] for each in ledger.statement("2024-07-01")] == ["earned", "redeemed", "earned"]


def test_l02_what_is_about_to_expire_is_summed_by_time() -> None:
    ledger = Ledger(
        [
            earned("2024-01-03", 7, None),
            earned("2024-01-01", 10, "2024-03-01"),
            earned("2024-01-02", 5, "2024-03-01"),
            earned("2024-01-02", 1, "2024-02-01"),
        ]
    )
    assert ledger.view("2024-01-04")["expiring"] == [
        {"points": 1, "expires_at": "2024-02-01T00:00:00Z"},
        {"points": 15, "expires_at": "2024-03-01T00:00:00Z"},
    ]
