"""L1: events apply in log order; an entry's time is its event's."""

from tests.unit.loyalty.ledger import Ledger, at, bought, earned, redeemed


def test_l01_a_late_event_applies_where_it_stands_in_the_log_and_keeps_its_own_time() -> None:
    ledger = Ledger(
        [
            earned("2024-03-01", 100),
            redeemed("2024-03-05", "r-1", 100),
            redeemed("2024-03-02", "r-2", 100),
        ]
    )
    assert [each["kind"] for each in ledger.folded.entries if each["kind"] != "anomaly"] == [
        "earned",
        "redeemed",
        "redemption_rejected",
    ]
    assert ledger.entries("redemption_rejected")[0]["time"] == at("2024-03-02")


def test_l01_two_accounts_do_not_touch_each_other() -> None:
    alone = Ledger([earned("2024-03-01", 100), redeemed("2024-03-05", "r-1", 60)])
    beside = Ledger(
        [
            earned("2024-03-01", 100),
            redeemed("2024-03-05", "r-1", 60),
            bought("2024-03-06", "o-1", "10", member="M2"),
        ]
    )
    assert alone.view("2024-04-01") == beside.view("2024-04-01")
