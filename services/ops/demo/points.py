"""What the accounts should come to, worked out from the demo's events and its programme in the plainest way.

It shares nothing with the ledger that it checks, and knows only what the demo posts: each account's purchases, refunds
and redemptions in the order of their times, all in the programme's currency and by its only terms.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from math import floor
from typing import Any


@dataclass(slots=True)
class _Order:
    total: Decimal
    earned: int
    year: int
    refunded: Decimal = Decimal(0)
    reversed: int = 0


@dataclass(slots=True)
class _Lot:
    expires: date
    order_id: str
    points: int


@dataclass(slots=True)
class Points:
    """An account's sums, and how many redemptions were refused. `taken_back` is what refunds found to take."""

    terms: dict[str, Any]
    earned: int = 0
    taken_back: int = 0
    redeemed: int = 0
    granted: int = 0
    refused: int = 0
    anomalies: int = 0
    """None of the demo's events is out of order, so there are none."""
    _orders: dict[str, _Order] = field(default_factory=dict)
    _lots: list[_Lot] = field(default_factory=list)
    _years: dict[int, int] = field(default_factory=dict)
    _best_tier: dict[int, int] = field(default_factory=dict)
    """How many tiers were reached in a year."""

    def usable(self, day: date) -> int:
        """What can be spent on a day after the account's last event."""
        return sum(lot.points for lot in self._lots if lot.expires > day)

    def tier(self, day: date) -> str:
        """The tier held on a day after the account's last event."""
        held = self._held(day)
        return str(self.terms["tiers"][held - 1]["name"]) if held else "base"

    def purchase(self, day: date, data: dict[str, Any]) -> None:
        """Earns the amount in whole points, as often as the tier says."""
        terms, held = self.terms, self._held(day)
        multiplier = Decimal(terms["tiers"][held - 1]["multiplier"]) if held else Decimal(1)
        total = Decimal(data["total"]["amount"])
        points = floor(total * Decimal(terms["points_per_unit"]) * multiplier)
        self.earned += points
        self._orders[data["order_id"]] = _Order(total, points, day.year)
        self._add_lot(day, data["order_id"], points)
        year = self._years[day.year] = self._years.get(day.year, 0) + points
        reached = sum(1 for tier in terms["tiers"] if year >= tier["threshold"])
        self._best_tier[day.year] = max(self._best_tier.get(day.year, 0), reached)

    def grant(self, day: date, data: dict[str, Any]) -> None:
        """Gets points that count for no tier."""
        self.granted += data["points"]
        self._add_lot(day, "", data["points"])

    def refund(self, day: date, data: dict[str, Any]) -> None:
        """Takes back the refunded share, first of what the order itself earned."""
        order = self._orders[data["order_id"]]
        order.refunded = min(order.refunded + Decimal(data["amount"]["amount"]), order.total)
        due = floor(order.earned * order.refunded / order.total) - order.reversed
        order.reversed += due
        self._years[order.year] -= due
        own = [lot for lot in self._lots if lot.order_id == data["order_id"]]
        taken = _take(own, due)
        self.taken_back += taken + _take([lot for lot in self._lots if lot.expires > day], due - taken)

    def redeem(self, day: date, data: dict[str, Any]) -> None:
        """Spends points, all or none, those that expire first."""
        if data["points"] > self.usable(day):
            self.refused += 1
            return
        self.redeemed += _take([lot for lot in self._lots if lot.expires > day], data["points"])

    def _add_lot(self, day: date, order_id: str, points: int) -> None:
        months = day.month + self.terms["validity_months"]
        self._lots.append(_Lot(date(day.year + months // 12, months % 12 + 1, 1), order_id, points))
        self._lots.sort(key=lambda lot: lot.expires)

    def _held(self, day: date) -> int:
        return max(self._best_tier.get(day.year, 0), self._best_tier.get(day.year - 1, 0))


def points_of(events: Iterable[dict[str, Any]], programmes: str) -> dict[str, Points]:
    """Every account by member number. `events` are posted ones in the order of time, `programmes` the file's text."""
    file = tomllib.loads(programmes)
    (terms,) = file["programme"][file["default_programme"]]["terms"]
    accounts: dict[str, Points] = {}
    for event in events:
        data = event["data"]
        account = accounts.setdefault(data["customer"][0]["value"], Points(terms))
        day = datetime.fromisoformat(event["time"]).date()
        if event["type"] == "purchase.completed":
            account.purchase(day, data)
        elif event["type"] == "purchase.refunded":
            account.refund(day, data)
        elif event["type"] == "loyalty.redemption_requested":
            account.redeem(day, data)
        elif event["type"] == "loyalty.points_adjusted":
            account.grant(day, data)
    return accounts


def _take(lots: Iterable[_Lot], points: int) -> int:
    """Takes up to so many points, lot after lot; answers how many there were."""
    left = points
    for lot in lots:
        part = min(lot.points, left)
        lot.points -= part
        left -= part
    return points - left
