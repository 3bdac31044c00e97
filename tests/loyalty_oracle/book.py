"""One account's book: everything that ever happened to it, nothing forgotten, nothing derived stored."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.envelope import RecordedEvent
from shared.events.data import EventData
from tests.loyalty_oracle.programmes import Programme

Event = RecordedEvent[EventData]
Entry = dict[str, Any]


@dataclass
class Lot:
    event_id: str
    granted: int
    remaining: int
    occurred_at: datetime
    expires_at: datetime | None
    partner: str | None
    order_id: str | None

    def usable(self, t: datetime) -> bool:
        """L2: it has no expires_at, or expires_at > t."""
        return self.expires_at is None or self.expires_at > t


@dataclass(frozen=True)
class Allocation:
    """L3: so many points of that lot."""

    lot: Lot
    points: int


@dataclass
class Order:
    """L6: E points earned on a total T, R refunded so far (not capped), and what that reverses in total.

    `year` is the one its points qualify in (L12).
    """

    year: int
    currency: str
    total: Any
    earned: int
    lot: Lot | None
    refunded: Any = 0
    reversed: int = 0


@dataclass
class Redemption:
    points: int
    partner: str | None
    accepted: bool
    allocations: list[Allocation]
    cancelled: bool = False


@dataclass
class Hold:
    points: int
    expires_at: datetime
    allocations: list[Allocation]
    event_id: str
    state: str
    """`rejected`, `open`, `captured`, `released` or `expired`."""


@dataclass(frozen=True)
class TierGrant:
    """L12: a tier, reached in a year, held from the time it was reached until the following year's end."""

    name: str
    programme: Programme
    year: int
    since: datetime
    until: datetime


@dataclass
class Book:
    account_id: str
    programme: Programme | None = None
    enrolled_explicitly: bool = False
    deficit: int = 0
    lots: list[Lot] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    refund_ids: set[str] = field(default_factory=set)
    waiting_refunds: list[Event] = field(default_factory=list)
    redemptions: dict[str, Redemption] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    qualifying: dict[int, int] = field(default_factory=dict)
    tiers: list[TierGrant] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    anomalies: list[dict[str, str]] = field(default_factory=list)

    def enrolled_in(self) -> Programme:
        assert self.programme is not None, "L15 enrols before anything else applies"
        return self.programme

    # L11: figures at a time

    def usable_lots(self, t: datetime) -> list[Lot]:
        """Those a debit may take, in the order of L3: expires_at (none last), occurred_at, event id."""
        usable = [lot for lot in self.lots if lot.usable(t) and lot.remaining > 0]
        never = [lot for lot in usable if lot.expires_at is None]
        some_day = [lot for lot in usable if lot.expires_at is not None]
        return sorted(some_day, key=lambda lot: (lot.expires_at, lot.occurred_at, lot.event_id)) + sorted(
            never, key=lambda lot: (lot.occurred_at, lot.event_id)
        )

    def available(self, t: datetime) -> int:
        return sum(lot.remaining for lot in self.usable_lots(t))

    def held(self) -> int:
        return sum(hold.points for hold in self.holds.values() if hold.state == "open")

    def balance(self, t: datetime) -> int:
        return self.available(t) + self.held() - self.deficit

    # L2, L3, L4: points come and go

    def credit(
        self,
        event: Event,
        points: int,
        expires_at: datetime | None,
        *,
        partner: str | None = None,
        order_id: str | None = None,
    ) -> Lot:
        """L2: a credit makes a lot. L4: it first repays the deficit, only the rest stays in the lot."""
        lot = Lot(event.id, points, 0, event.time, expires_at, partner, order_id)
        self.lots.append(lot)
        self._repay_or_keep(lot, points)
        return lot

    def take(self, points: int, lots: list[Lot]) -> list[Allocation]:
        """L3: as many of the points as the lots have, first lot first."""
        allocations = []
        for lot in lots:
            taken = min(lot.remaining, points)
            if taken > 0:
                lot.remaining -= taken
                points -= taken
                allocations.append(Allocation(lot, taken))
        return allocations

    def give_back(self, allocations: list[Allocation], t: datetime) -> None:
        """L9: each to its own lot; what belongs to a lot expired at t lapses there and repays no deficit."""
        for allocation in allocations:
            if allocation.lot.usable(t):
                self._repay_or_keep(allocation.lot, allocation.points)  # L4
            else:
                allocation.lot.remaining += allocation.points

    def _repay_or_keep(self, lot: Lot, points: int) -> None:
        repaid = min(points, self.deficit)
        self.deficit -= repaid
        lot.remaining += points - repaid

    def debit_or_lack(self, points: int, lots: list[Lot], t: datetime) -> tuple[list[Allocation], int, int]:
        """L6, L7: takes from these lots, then from others by L3; what cannot be taken is dropped or becomes
        deficit, by the terms at t.

        The allocations, the points by which the balance falls, and the shortfall.
        """
        allocations = self.take(points, lots)
        taken = sum(each.points for each in allocations)
        others = self.take(points - taken, self.usable_lots(t))
        allocations += others
        lacking = points - taken - sum(each.points for each in others)
        if self.enrolled_in().clawback_at(t) == "allow_negative":
            self.deficit += lacking
            return allocations, points, 0
        return allocations, points - lacking, lacking

    # What is written down

    def enter(
        self,
        event_id: str,
        t: datetime,
        kind: str,
        points: int,
        *,
        reason: str | None = None,
        order_id: str | None = None,
        partner: str | None = None,
        allocations: list[Allocation] | None = None,
        shortfall: int = 0,
    ) -> None:
        self.entries.append(
            {
                "event_id": event_id,
                "time": t,
                "kind": kind,
                "points": points,
                "balance_after": self.balance(t),
                "reason": reason,
                "order_id": order_id,
                "partner": partner,
                "allocations": [
                    {"lot": each.lot.event_id, "points": each.points} for each in allocations or []
                ],
                "shortfall": shortfall,
            }
        )

    def anomaly(self, event: Event, code: str, detail: str) -> None:
        self.anomalies.append({"event_id": event.id, "code": code, "detail": detail})
