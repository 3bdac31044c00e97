"""L3: debits take usable lots by expiry, none last, then by time, then by event id."""

from tests.unit.loyalty.ledger import Ledger, earned, redeemed


def test_l03_debits_take_what_expires_first_then_what_is_older_then_the_lesser_event_id() -> None:
    history = [
        earned("2024-01-01", 1, None),
        earned("2024-01-02", 2, "2024-06-01")._replace(event_id="b"),
        earned("2024-01-02", 3, "2024-06-01")._replace(event_id="a"),
        earned("2024-01-01", 4, "2024-06-01")._replace(event_id="z"),
        earned("2024-01-05", 5, "2024-05-01"),
        redeemed("2024-02-01", "r-1", 15),
    ]
    (entry,) = Ledger(history).entries("redeemed")
    assert [(each["lot"], each["points"]) for each in entry["allocations"]] == [
        ("e4", 5),
        ("z", 4),
        ("a", 3),
        ("b", 2),
        ("e0", 1),
    ]


def test_l03_lots_of_events_with_the_same_id_from_two_tills_stay_apart() -> None:
    history = [
        earned("2024-01-01", 10, None)._replace(event_id="1"),
        earned("2024-01-01", 20, None)._replace(event_id="1"),
        redeemed("2024-02-01", "r-1", 15),
    ]
    ledger = Ledger(history)
    assert [each["points"] for each in ledger.entries("redeemed")[0]["allocations"]] == [10, 5]
    assert [each["remaining"] for each in ledger.view("2024-03-01")["lots"]] == [15]


def test_l03_lots_that_have_expired_are_passed_over() -> None:
    history = [
        earned("2024-01-01", 10, "2024-02-01"),
        earned("2024-01-01", 10, None),
        redeemed("2024-02-01", "r-1", 10),
    ]
    assert [each["lot"] for each in Ledger(history).entries("redeemed")[0]["allocations"]] == ["e1"]
