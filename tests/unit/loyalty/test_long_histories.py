"""An account's next event costs no more after a long history than after a short one.

What grows is a number and the tiers for each calendar year, and the depth of the tree of lots.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec import json

from services.projections.loyalty.evolve import evolve, keys
from services.projections.read_models.declaration import Evolved, Key, Row
from tests.unit.loyalty.ledger import CIRCLE, Happened, Ledger, at, earned, recorded, redeemed

_START = at("1995-01-01")


class _Counted(Mapping[Key, Row | None]):
    """Rows, and how many bytes of them were looked at."""

    def __init__(self, rows: dict[Key, Row | None]) -> None:
        self._rows = rows
        self.seen: dict[Key, int] = {}

    def __getitem__(self, key: Key) -> Row | None:
        row = self._rows.get(key)
        self.seen[key] = len(json.encode(row))
        return row

    def __contains__(self, key: object) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _bytes_of_next_event(ledger: Ledger, history: list[Happened], following: Happened) -> int:
    """What the event after a history reads and writes."""
    event = recorded([*history, following])[-1]
    rows = _Counted(ledger.folded.rows)
    assert keys(event)
    answer = evolve(ledger.programmes)(rows, event)
    assert isinstance(answer, Evolved)
    written = sum(len(json.encode(row)) for row in answer.rows.values())
    return sum(rows.seen.values()) + written


def _costs(history: list[Happened]) -> list[int]:
    last = history[-1].time
    ledger = Ledger(history, CIRCLE)
    return [
        _bytes_of_next_event(ledger, history, following._replace(time=last + timedelta(hours=1)))
        for following in (earned("2024-01-01", 10), redeemed("2024-01-01", "next", 5))
    ]


def _lapsing(months: int) -> list[Happened]:
    return [
        earned("2024-01-01", 100)._replace(time=_START + timedelta(days=30 * month))
        for month in range(months)
    ]


def _spending(events: int) -> list[Happened]:
    steps = [(number, _START + timedelta(hours=number)) for number in range(events)]
    return [
        (
            redeemed("2024-01-01", f"r-{number}", 10) if number % 2 else earned("2024-01-01", 10, None)
        )._replace(time=time)
        for number, time in steps
    ]


def _hoarding(events: int) -> list[Happened]:
    return [
        earned("2024-01-01", 10, None)._replace(time=_START + timedelta(minutes=number))
        for number in range(events)
    ]


def test_points_that_lapse_for_decades_do_not_weigh_on_the_next_event() -> None:
    few, many = _costs(_lapsing(60)), _costs(_lapsing(12 * 30))
    assert all(after <= 2 * before for before, after in zip(few, many, strict=True))


def test_points_that_are_spent_leave_nothing_behind_in_the_row() -> None:
    few, many = _costs(_spending(100)), _costs(_spending(10_000))
    assert all(after <= before + 600 for before, after in zip(few, many, strict=True))


def test_points_that_nobody_spends_do_not_weigh_on_the_next_event_either() -> None:
    few, many = _costs(_hoarding(100)), _costs(_hoarding(20_000))
    assert all(after <= 3 * before for before, after in zip(few, many, strict=True))
