"""L11: figures at a time; expiry is never stored; the entries shown sum to the balance."""

import pytest

from services.projections.loyalty.reading import account_view
from tests.unit.loyalty.ledger import Ledger, at, earned, redeemed

HISTORY = [
    earned("2024-01-01", 100, "2024-03-01"),
    redeemed("2024-01-02", "r-1", 30),
    earned("2024-04-01", 50, "2024-06-01"),
]


def test_l11_a_lot_that_has_expired_shows_as_an_entry_at_its_expiry() -> None:
    ledger = Ledger(HISTORY)
    entry = next(each for each in ledger.statement("2024-03-01") if each["kind"] == "expired")
    assert (entry["points"], entry["time"], entry["allocations"]) == (
        -70,
        "2024-03-01T00:00:00Z",
        [{"lot": "e0", "points": 70}],
    )
    assert not [each for each in ledger.statement("2024-02-29") if each["kind"] == "expired"]


def test_l11_the_future_shows_what_will_have_expired() -> None:
    view = Ledger(HISTORY).view("2030-01-01")
    assert (view["balance"], view["lots"], view["expiring"]) == (0, [], [])


def test_l11_the_past_knows_nothing_of_what_came_later() -> None:
    view = Ledger(HISTORY).view("2024-01-01")
    assert (view["balance"], view["as_of"], len(view["lots"])) == (100, "2024-01-01T00:00:00Z", 1)


def test_l11_the_balance_after_each_entry_is_what_the_account_had() -> None:
    statement = Ledger(HISTORY).statement("2024-07-01")
    assert [(each["kind"], each["balance_after"]) for each in statement] == [
        ("earned", 100),
        ("redeemed", 70),
        ("expired", 0),
        ("earned", 50),
        ("expired", 0),
    ]


def test_l11_rows_do_not_show_a_time_before_their_latest_event() -> None:
    ledger = Ledger(HISTORY)
    with pytest.raises(ValueError, match="events until 2024-04-01"):
        account_view(ledger.programmes, ledger.folded.rows, "M1", at("2024-03-31"))


def test_l11_an_account_without_events_until_then_is_none() -> None:
    ledger = Ledger(HISTORY)
    assert account_view(ledger.programmes, {("M9", "account", ""): None}, "M9", at("2024-03-31")) is None
