"""The ledger compared with the second implementation of its rules, on thousands of random histories."""

from collections.abc import Iterable
from datetime import datetime
from random import Random
from typing import Any

import pytest

from services.projections.loyalty import lots
from services.projections.loyalty.history import fold_until
from services.projections.loyalty.posting import ANOMALY
from services.projections.loyalty.programme import Programmes
from services.projections.loyalty.programme_file import parse
from services.projections.loyalty.reading import account_view, entries_view
from tests.loyalty_histories import History, random_history
from tests.loyalty_oracle import account_at, entries_at

ACCOUNT = "M1"

Shown = tuple[dict[str, Any] | None, list[dict[str, Any]]]
"""An account and its entries."""


def shown_by_the_ledger(history: History, programmes: Programmes, at: datetime) -> Shown:
    folded = fold_until(programmes, history.events, ACCOUNT, at)
    anomalies = [entry for entry in folded.entries if entry["kind"] == ANOMALY]
    account = account_view(programmes, folded.rows, ACCOUNT, at, anomalies=anomalies)
    entries = entries_view(programmes, folded.rows, ACCOUNT, at, folded.entries)
    assert account is None or isinstance(account, dict)
    assert entries is None or isinstance(entries, list)
    return account, entries or []


def shown_by_the_rules(history: History, at: datetime) -> Shown:
    return account_at(history.programmes, history.events, at), entries_at(
        history.programmes, history.events, at
    )


def compared(value: Any) -> Any:
    """What two implementations must agree on: all but the wording of anomalies, and times however written."""
    match value:
        case dict():
            return {name: compared(each) for name, each in value.items() if name != "detail"}
        case list() | tuple():
            return [compared(each) for each in value]
        case datetime():
            return value
        case str() if "T" in value and value[:4].isdecimal():
            return datetime.fromisoformat(value)
        case _:
            return value


def difference(history: History) -> str | None:
    """What the two show differently, None where they agree at all the history's times."""
    programmes = parse(history.programmes, "programmes.toml")
    for at in history.times:
        by_ledger = compared(shown_by_the_ledger(history, programmes, at))
        by_rules = compared(shown_by_the_rules(history, at))
        if by_ledger != by_rules:
            return f"read at {at}\n" + "\n".join(differing("", by_ledger, by_rules))
    return None


def differing(place: str, by_ledger: Any, by_rules: Any) -> list[str]:
    """The places of two values that differ, and what stands there."""
    match by_ledger, by_rules:
        case dict(), dict() if by_ledger.keys() == by_rules.keys():
            names = list(by_ledger)
        case list(), list() if len(by_ledger) == len(by_rules):
            names = list(range(len(by_ledger)))
        case _:
            return [] if by_ledger == by_rules else [f"{place}\n  ledger: {by_ledger}\n  rules:  {by_rules}"]
    return [line for name in names for line in differing(f"{place}/{name}", by_ledger[name], by_rules[name])]


def shortest(history: History) -> History:
    """The history without any event that the difference does not need."""
    for place in reversed(range(len(history.events))):
        shorter = history.without(place)
        if difference(shorter) is not None:
            return shortest(shorter)
    return history


def assert_alike(histories: Iterable[History]) -> None:
    for history in histories:
        if difference(history) is not None:
            short = shortest(history)
            pytest.fail(f"the ledger and the rules differ on\n{short!r}\n{difference(short)}")


@pytest.mark.parametrize("seed", range(8))
def test_the_ledger_shows_what_the_rules_say_for_any_history_at_any_time(seed: int) -> None:
    random = Random(f"histories {seed}")
    assert_alike(random_history(random) for _ in range(300))


@pytest.mark.parametrize("most_items", [3, 4, lots.MOST_ITEMS])
def test_the_ledger_shows_what_the_rules_say_for_accounts_with_hundreds_of_events(
    most_items: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lots, "MOST_ITEMS", most_items)  # of the tree's nodes: few make it high
    random = Random(f"long histories {most_items}")
    assert_alike(random_history(random, max_size=400) for _ in range(10))
