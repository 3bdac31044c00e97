"""Points granted and corrected without a purchase (L7, L13)."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from shared.events.loyalty import LoyaltyPointsAdjusted, LoyaltyPointsEarned
from tests.loyalty_oracle.book import Book, Event
from tests.loyalty_oracle.tiers import count_qualifying


def earned(book: Book, event: Event, data: LoyaltyPointsEarned) -> None:
    expires_at = _expiry(book, event, data.expires_at)
    book.credit(event, data.points, expires_at, partner=data.partner, order_id=data.order_id)  # L2
    if data.qualifying:
        count_qualifying(book, event.time, data.points)  # L12
    book.enter(
        event.id,
        event.time,
        "earned",
        data.points,
        reason=data.reason,
        order_id=data.order_id,
        partner=data.partner,
    )


def adjusted(book: Book, event: Event, data: LoyaltyPointsAdjusted) -> None:
    """L7"""
    if data.points > 0:
        book.credit(event, data.points, _expiry(book, event, data.expires_at))
        book.enter(event.id, event.time, "adjusted", data.points, reason=data.reason)
        return
    allocations, points, shortfall = book.debit_or_lack(-data.points, [], event.time)
    book.enter(
        event.id,
        event.time,
        "adjusted",
        -points,
        reason=data.reason,
        allocations=allocations,
        shortfall=shortfall,
    )


def _expiry(book: Book, event: Event, given: datetime | UnsetType | None) -> datetime | None:
    """L13: an expires_at in the event decides, null meaning never; where it is absent the terms do."""
    return book.enrolled_in().expiry_by_terms(event.time) if given is UNSET else given
