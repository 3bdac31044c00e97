"""The account, its entries and a redemption's outcome at a time, each worked out from the first event on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.events.loyalty import (
    LoyaltyData,
    LoyaltyEnrolled,
    LoyaltyHoldCaptured,
    LoyaltyHoldPlaced,
    LoyaltyHoldReleased,
    LoyaltyPointsAdjusted,
    LoyaltyPointsEarned,
    LoyaltyRedemptionCancelled,
    LoyaltyRedemptionRequested,
)
from shared.events.purchase import PurchaseCompleted, PurchaseRefunded
from tests.loyalty_oracle.book import Book, Entry, Event, Lot
from tests.loyalty_oracle.points import adjusted, earned
from tests.loyalty_oracle.programmes import Programmes, read_programmes
from tests.loyalty_oracle.purchases import purchase, refund
from tests.loyalty_oracle.spending import (
    hold_captured,
    hold_placed,
    hold_released,
    redemption_cancelled,
    redemption_requested,
    release_expired_holds,
)
from tests.loyalty_oracle.tiers import tier_at, tier_valid_until


def account_at(programmes_toml: str, events: Sequence[Event], at: datetime) -> dict[str, Any] | None:
    """The account as it stood at a time: of the events up to then, in log order. None before the first one.

    Times are aware datetimes in UTC.
    """
    book = book_at(programmes_toml, events, at)
    if book is None:
        return None
    tier = tier_at(book, at)
    lots = book.usable_lots(at)
    expiries = sorted({lot.expires_at for lot in lots if lot.expires_at is not None})
    return {
        "account_id": book.account_id,
        "programme": book.enrolled_in().name,
        "as_of": at,
        "balance": book.balance(at),
        "available": book.available(at),
        "held": book.held(),
        "deficit": book.deficit,
        "tier": "base" if tier is None else tier.name,
        "tier_valid_until": tier_valid_until(book, at),
        "qualifying_points": book.qualifying.get(book.enrolled_in().year_of(at), 0),
        "expiring": [
            {"points": sum(lot.remaining for lot in lots if lot.expires_at == expiry), "expires_at": expiry}
            for expiry in expiries
        ],
        "lots": [
            {
                "event_id": lot.event_id,
                "granted": lot.granted,
                "remaining": lot.remaining,
                "occurred_at": lot.occurred_at,
                "expires_at": lot.expires_at,
                "partner": lot.partner,
            }
            for lot in lots
        ],
        "anomalies": book.anomalies,
    }


def entries_at(programmes_toml: str, events: Sequence[Event], at: datetime) -> list[Entry]:
    """The entries shown at a time, oldest first: those of the events up to then, and one for each lot that has
    expired with points remaining (L11). At one time what expires comes first, then what the log tells.
    """
    book = book_at(programmes_toml, events, at)
    if book is None:
        return []
    expired = [lot for lot in book.lots if not lot.usable(at) and lot.remaining > 0]
    expired.sort(key=lambda lot: (lot.occurred_at, lot.event_id))
    entries = sorted([_expired(lot) for lot in expired] + book.entries, key=lambda entry: entry["time"])
    balance = 0
    for entry in entries:
        if entry["kind"] == "expired":
            entry["balance_after"] = balance + entry["points"]
        balance = entry["balance_after"]
    return entries


def _expired(lot: Lot) -> Entry:
    return {
        "event_id": lot.event_id,
        "time": lot.expires_at,
        "kind": "expired",
        "points": -lot.remaining,
        "reason": None,
        "order_id": lot.order_id,
        "partner": lot.partner,
        "allocations": [{"lot": lot.event_id, "points": lot.remaining}],
        "shortfall": 0,
    }


def redemption_outcome(
    programmes_toml: str, events: Sequence[Event], redemption_id: str
) -> dict[str, Any] | None:
    """What the log decided about a redemption (L8), and None for one it does not know.

    `available` is what was left at its time, right after it.
    """
    book = None
    for end in range(1, len(events) + 1):
        book = _fold(programmes_toml, events[:end])
        if book is not None and redemption_id in book.redemptions:
            event = events[end - 1]
            accepted = book.redemptions[redemption_id].accepted
            return {
                "redemption_id": redemption_id,
                "status": "accepted" if accepted else "rejected",
                "entries": [book.entries[-1]],
                "available": book.available(event.time),
            }
    return None


def book_at(programmes_toml: str, events: Sequence[Event], at: datetime) -> Book | None:
    """All that the events up to a time, in log order, have made of the account by then."""
    book = _fold(programmes_toml, [event for event in events if event.time <= at])
    if book is not None:
        release_expired_holds(book, at)  # L11: held are the holds open at a
    return book


def _fold(programmes_toml: str, events: Sequence[Event]) -> Book | None:
    """L1: in log order, each at its own time."""
    programmes = read_programmes(programmes_toml)
    book: Book | None = None
    for event in events:
        account_id = _account_of(event)
        if account_id is None:
            continue
        book = book or Book(account_id)
        assert account_id == book.account_id, "the events are those of one account"
        _enrol(book, event, programmes)
        release_expired_holds(book, event.time)
        _apply(book, event)
    return book


def _account_of(event: Event) -> str | None:
    """L6: purchases and refunds count for the account their member identifier names, for none without one."""
    if isinstance(event.data, LoyaltyData):
        return event.data.account_id
    if isinstance(event.data, PurchaseCompleted | PurchaseRefunded):
        return next((each.value for each in event.customer if each.type == "member"), None)
    return None


def _enrol(book: Book, event: Event, programmes: Programmes) -> None:
    """L15"""
    if not isinstance(event.data, LoyaltyEnrolled):
        if book.programme is None:
            book.programme = programmes.default
            book.anomaly(event, "implicit_enrolment", "never enrolled before its first event")
        return
    named = programmes.by_name.get(event.data.programme)
    if named is None:
        book.anomaly(event, "unknown_programme", f"no programme {event.data.programme}")
        book.programme = book.programme or programmes.default
        return
    if book.enrolled_explicitly and book.programme != named:
        book.anomaly(event, "programme_changed", f"to {named.name}")
    book.programme = named
    book.enrolled_explicitly = True


def _apply(book: Book, event: Event) -> None:
    match event.data:
        case PurchaseCompleted() as data:
            purchase(book, event, data)
        case PurchaseRefunded() as data:
            refund(book, event, data)
        case LoyaltyPointsEarned() as data:
            earned(book, event, data)
        case LoyaltyPointsAdjusted() as data:
            adjusted(book, event, data)
        case LoyaltyRedemptionRequested() as data:
            redemption_requested(book, event, data)
        case LoyaltyRedemptionCancelled() as data:
            redemption_cancelled(book, event, data)
        case LoyaltyHoldPlaced() as data:
            hold_placed(book, event, data)
        case LoyaltyHoldCaptured() as data:
            hold_captured(book, event, data)
        case LoyaltyHoldReleased() as data:
            hold_released(book, event, data)
        case _:
            pass  # an enrolment, which L15 has seen to
