"""Purchases earn (L5), refunds claw back (L6), and what qualifies counts for tiers (L12)."""

from fractions import Fraction
from math import floor

from shared.events.purchase import PurchaseCompleted, PurchaseRefunded
from tests.loyalty_oracle.book import Book, Event, Order
from tests.loyalty_oracle.spending import release_expired_holds
from tests.loyalty_oracle.tiers import count_qualifying, tier_at

MOST_POINTS = 10**12
"""A purchase that would earn more is a slip of the till."""


def purchase(book: Book, event: Event, data: PurchaseCompleted) -> None:
    programme, t = book.enrolled_in(), event.time
    if data.order_id in book.orders:
        book.anomaly(event, "order_repeated", f"order {data.order_id} has earned before")
        return
    total = Fraction(data.total.amount)
    order = Order(programme.year_of(t), data.total.currency, total, earned=0, lot=None)
    book.orders[data.order_id] = order
    terms = programme.terms_at(t)
    if data.total.currency != programme.currency:  # L5
        book.anomaly(event, "currency_mismatch", f"{data.total.currency} earns nothing")
    elif terms is None:
        book.anomaly(event, "no_terms", f"{programme.name} has no terms yet")
    else:
        tier = tier_at(book, t)  # L5: the one held just before this purchase
        multiplier = Fraction(1) if tier is None else tier.multiplier
        order.earned = floor(total * terms.points_per_unit * multiplier)  # L5
        if order.earned > MOST_POINTS:
            book.anomaly(event, "points_out_of_range", f"{order.earned} points for one purchase")
            order.earned = 0
        if order.earned > 0:
            expires_at = programme.expiry_by_terms(t)  # L13
            order.lot = book.credit(event, order.earned, expires_at, order_id=data.order_id)  # L2
            count_qualifying(book, t, order.earned)  # L12
    book.enter(event.id, t, "earned", order.earned, order_id=data.order_id)
    # L6: a refund that precedes its purchase waits and applies, at its own t, right after the purchase
    waiting = [each for each in book.waiting_refunds if _order_id(each) == data.order_id]
    book.waiting_refunds = [each for each in book.waiting_refunds if each not in waiting]
    for each in waiting:
        release_expired_holds(book, each.time)  # L10
        claw_back(book, each)


def refund(book: Book, event: Event, data: PurchaseRefunded) -> None:
    if data.refund_id in book.refund_ids:  # L6: a repeated refund_id does nothing
        return
    book.refund_ids.add(data.refund_id)
    if data.order_id in book.orders:
        claw_back(book, event)
    else:
        book.waiting_refunds.append(event)


def claw_back(book: Book, event: Event) -> None:
    """L6, on an order that is known."""
    data, t = event.data, event.time
    assert isinstance(data, PurchaseRefunded)
    order = book.orders[data.order_id]
    if data.amount.currency != order.currency:
        book.anomaly(event, "currency_mismatch", f"{data.amount.currency} for an order in {order.currency}")
        return
    order.refunded += Fraction(data.amount.amount)
    refunded = min(order.refunded, order.total)  # R, capped at T
    everything = refunded == order.total
    to_reverse = order.earned if everything else floor(order.earned * refunded / order.total)
    asked = to_reverse - order.reversed  # the difference to what earlier refunds did
    order.reversed = to_reverse
    own_lot = [] if order.lot is None else [order.lot]  # first, expired or not
    allocations, points, shortfall = book.debit_or_lack(asked, own_lot, t)
    # L12: the order's year, shortfall included
    book.qualifying[order.year] = book.qualifying.get(order.year, 0) - asked
    book.enter(
        event.id,
        t,
        "clawed_back",
        -points,
        reason=data.reason,
        order_id=data.order_id,
        allocations=allocations,
        shortfall=shortfall,
    )


def _order_id(event: Event) -> str:
    assert isinstance(event.data, PurchaseRefunded)
    return event.data.order_id
