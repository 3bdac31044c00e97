"""Redemptions (L8), their cancellation (L9), and holds (L10)."""

from datetime import datetime

from shared.events.loyalty import (
    LoyaltyHoldCaptured,
    LoyaltyHoldPlaced,
    LoyaltyHoldReleased,
    LoyaltyRedemptionCancelled,
    LoyaltyRedemptionRequested,
)
from tests.loyalty_oracle.book import Allocation, Book, Event, Hold, Redemption


def redemption_requested(book: Book, event: Event, data: LoyaltyRedemptionRequested) -> None:
    """L8"""
    t = event.time
    if data.redemption_id in book.redemptions:
        if data.points != book.redemptions[data.redemption_id].points:
            book.anomaly(event, "redemption_conflict", f"{data.redemption_id} was asked for other points")
        return
    if data.points > book.available(t):
        book.redemptions[data.redemption_id] = Redemption(data.points, data.partner, False, [])
        book.enter(event.id, t, "redemption_rejected", 0, reason="insufficient_points", partner=data.partner)
        return
    allocations = book.take(data.points, book.usable_lots(t))
    book.redemptions[data.redemption_id] = Redemption(data.points, data.partner, True, allocations)
    book.enter(
        event.id,
        t,
        "redeemed",
        -data.points,
        reason=data.reward,
        partner=data.partner,
        allocations=allocations,
    )


def redemption_cancelled(book: Book, event: Event, data: LoyaltyRedemptionCancelled) -> None:
    """L9"""
    redemption = book.redemptions.get(data.redemption_id)
    if redemption is None or not redemption.accepted:
        book.anomaly(event, "unknown_redemption", f"{data.redemption_id} took no points")
        return
    if redemption.cancelled:
        book.anomaly(event, "already_cancelled", f"{data.redemption_id} was cancelled before")
        return
    redemption.cancelled = True
    book.give_back(redemption.allocations, event.time)
    book.enter(
        event.id,
        event.time,
        "redemption_cancelled",
        redemption.points,
        reason=data.reason,
        partner=redemption.partner,
        allocations=redemption.allocations,
    )


def hold_placed(book: Book, event: Event, data: LoyaltyHoldPlaced) -> None:
    """L10"""
    t = event.time
    if data.hold_id in book.holds:
        if data.points != book.holds[data.hold_id].points:
            book.anomaly(event, "hold_conflict", f"{data.hold_id} was placed for other points")
        return
    refusal = None
    if data.expires_at <= t:
        refusal = "hold_expired"
    elif data.points > book.available(t):
        refusal = "insufficient_points"
    if refusal is not None:
        book.holds[data.hold_id] = Hold(data.points, data.expires_at, [], event.id, "rejected")
        book.enter(event.id, t, "redemption_rejected", 0, reason=refusal)
        return
    allocations = book.take(data.points, book.usable_lots(t))
    book.holds[data.hold_id] = Hold(data.points, data.expires_at, allocations, event.id, "open")
    book.enter(event.id, t, "hold_placed", 0, allocations=allocations)


def hold_captured(book: Book, event: Event, data: LoyaltyHoldCaptured) -> None:
    """L10"""
    hold = _open_hold(book, event, data.hold_id)
    if hold is None:
        return
    if data.points > hold.points:
        book.anomaly(event, "hold_exceeded", f"{data.points} of {hold.points} held")
        return
    kept, returned = _first_points(hold.allocations, data.points)
    hold.state = "captured"
    book.give_back(returned, event.time)
    book.enter(event.id, event.time, "hold_captured", -data.points, reason=data.reward, allocations=kept)


def hold_released(book: Book, event: Event, data: LoyaltyHoldReleased) -> None:
    """L10"""
    hold = _open_hold(book, event, data.hold_id)
    if hold is not None:
        _release(book, hold, event.id, event.time, "released")


def release_expired_holds(book: Book, t: datetime) -> None:
    """L10: a hold whose expires_at <= t is released at its expires_at before an event at t applies."""
    due = [hold for hold in book.holds.values() if hold.state == "open" and hold.expires_at <= t]
    for hold in sorted(due, key=lambda hold: hold.expires_at):
        _release(book, hold, hold.event_id, hold.expires_at, "expired")


def _release(book: Book, hold: Hold, event_id: str, t: datetime, state: str) -> None:
    hold.state = state
    book.give_back(hold.allocations, t)
    book.enter(event_id, t, "hold_released", 0, allocations=hold.allocations)


def _open_hold(book: Book, event: Event, hold_id: str) -> Hold | None:
    hold = book.holds.get(hold_id)
    if hold is None or hold.state == "rejected":
        book.anomaly(event, "unknown_hold", f"{hold_id} holds no points")
    elif hold.state == "expired":
        book.anomaly(event, "hold_expired", f"{hold_id} had expired at {hold.expires_at.isoformat()}")
    elif hold.state != "open":
        book.anomaly(event, "hold_closed", f"{hold_id} was {hold.state} before")
    else:
        return hold
    return None


def _first_points(allocations: list[Allocation], n: int) -> tuple[list[Allocation], list[Allocation]]:
    """The first n points of the allocations in their order, and the rest."""
    first, rest = [], []
    for allocation in allocations:
        kept = min(n, allocation.points)
        n -= kept
        if kept > 0:
            first.append(Allocation(allocation.lot, kept))
        if kept < allocation.points:
            rest.append(Allocation(allocation.lot, allocation.points - kept))
    return first, rest
