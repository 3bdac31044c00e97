"""Refunds take back what their order earned, pro rata; several add up exactly (L6)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from services.projections.loyalty.clawback import claw_back
from services.projections.loyalty.holds import release_expired
from services.projections.loyalty.posting import Cause, Posting
from services.projections.loyalty.programme import share_of
from services.projections.loyalty.tiers import take_from_year
from shared.events.purchase import PurchaseRefunded


class Refund(NamedTuple):
    """What a refund says, as an order's row keeps it while it waits. `amount` is a decimal string."""

    event_id: str
    source: str
    time: int
    amount: str
    currency: str
    refund_id: str
    reason: str | None


def refund(posting: Posting, data: PurchaseRefunded) -> None:
    """Applies a refund, or keeps it waiting for its purchase; a repeated `refund_id` does nothing."""
    rows = posting.account.rows
    if rows.state("refund", data.refund_id) is not None:
        return
    rows.put("refund", data.refund_id, {"order_id": data.order_id})
    given = Refund(*posting.cause, data.amount.amount, data.amount.currency, data.refund_id, data.reason)
    order = rows.state("order", data.order_id) or {"waiting": []}
    if "total" in order:
        _apply(posting, data.order_id, order, given)
    else:
        rows.put("order", data.order_id, {"waiting": [*order["waiting"], list(given)]})


def apply_waiting(posting: Posting, order_id: str, waiting: Sequence[Sequence[Any]]) -> None:
    """Applies refunds that preceded their purchase in the log, in its order, each at its own time."""
    rows = posting.account.rows
    for each in waiting:
        given = Refund(*each)
        release_expired(posting, given.time)
        order = rows.state("order", order_id)
        if order is None:
            raise LookupError(f"account {rows.account_id} has lost order {order_id}")
        _apply(posting, order_id, order, given)


def _apply(posting: Posting, order_id: str, order: dict[str, Any], given: Refund) -> None:
    cause = Cause(given.event_id, given.source, given.time)
    if given.currency != order["currency"]:
        posting.anomaly(
            "currency_mismatch",
            f"refund {given.refund_id} is in {given.currency}, order {order_id} in {order['currency']}",
            cause=cause,
        )
        return
    total = Decimal(order["total"])
    refunded = min(Decimal(order["refunded"]) + Decimal(given.amount), total)
    reversed_points = share_of(order["earned"], refunded, total)
    points = reversed_points - order["reversed"]
    taken, shortfall = claw_back(posting, points, cause.time, order["lot"])
    take_from_year(posting.account, order["year"], points)
    after = {**order, "refunded": str(refunded), "reversed": reversed_points}
    posting.account.rows.put("order", order_id, after)
    posting.enter(
        "clawed_back",
        shortfall - points,
        cause=cause,
        reason=given.reason,
        order_id=order_id,
        reference=given.refund_id,
        allocations=taken,
        shortfall=shortfall,
    )
