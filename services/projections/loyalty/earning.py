"""Points that come in: purchases (L5), grants, and corrections by hand (L7), each a lot of its own."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import UNSET, UnsetType

from services.projections.loyalty.clawback import claw_back
from services.projections.loyalty.posting import Posting
from services.projections.loyalty.programme import points_for
from services.projections.loyalty.refunds import apply_waiting
from services.projections.loyalty.tiers import count_qualifying, held_tier, multiplier_of
from services.projections.moments import NEVER, local_year, microseconds_of
from shared.events.loyalty import LoyaltyPointsAdjusted, LoyaltyPointsEarned
from shared.events.purchase import PurchaseCompleted

MOST_POINTS_A_PURCHASE = 10**12
"""A purchase that would earn more is a slip of the till; sums have to stay within whole numbers of 64 bits."""


def purchase(posting: Posting, data: PurchaseCompleted) -> None:
    """Earns by the terms and the tier held just before, then lets refunds that came before it apply."""
    account = posting.account
    order = account.rows.state("order", data.order_id) or {"waiting": []}
    if "total" in order:
        posting.anomaly(
            "order_repeated", f"order {data.order_id} was purchased before; this purchase earns nothing"
        )
        return
    programme, time = posting.programme, posting.cause.time
    points, anomaly = _earned(posting, data)
    lot = posting.lot(points, programme.expiry(time), None, data.order_id)
    repaid = account.credit(lot)
    tier = count_qualifying(account, posting.programmes, points, time)
    posting.enter("earned", points, order_id=data.order_id, repaid=repaid, tier=tier)
    if anomaly:
        posting.anomaly(*anomaly)
    bought: dict[str, Any] = {
        "total": data.total.amount,
        "currency": data.total.currency,
        "earned": points,
        "year": str(local_year(time, programme.zone)),
        "lot": lot.key,
        "refunded": "0",
        "reversed": 0,
        "waiting": [],
    }
    account.rows.put("order", data.order_id, bought)
    apply_waiting(posting, data.order_id, order["waiting"])


def grant(posting: Posting, data: LoyaltyPointsEarned) -> None:
    """A lot as granted, counting for the tier unless the event says otherwise."""
    account, time = posting.account, posting.cause.time
    lot = posting.lot(data.points, _expiry(posting, data.expires_at), data.partner, data.order_id)
    repaid = account.credit(lot)
    tier = count_qualifying(account, posting.programmes, data.points, time) if data.qualifying else None
    posting.enter(
        "earned",
        data.points,
        reason=data.reason,
        order_id=data.order_id,
        partner=data.partner,
        repaid=repaid,
        tier=tier,
    )


def adjust(posting: Posting, data: LoyaltyPointsAdjusted) -> None:
    """Up: a lot that does not count for the tier. Down: a debit, where what is not there is handled as for refunds."""
    if data.points > 0:
        lot = posting.lot(data.points, _expiry(posting, data.expires_at), None)
        repaid = posting.account.credit(lot)
        posting.enter("adjusted", data.points, reason=data.reason, repaid=repaid)
        return
    taken, shortfall = claw_back(posting, -data.points, posting.cause.time)
    posting.enter(
        "adjusted", data.points + shortfall, reason=data.reason, allocations=taken, shortfall=shortfall
    )


def _earned(posting: Posting, data: PurchaseCompleted) -> tuple[int, tuple[str, str] | None]:
    """The points of a purchase, and the anomaly where it earns none because something is wrong."""
    programme, time = posting.programme, posting.cause.time
    if data.total.currency != programme.currency:
        return 0, (
            "currency_mismatch",
            f"order {data.order_id} is in {data.total.currency}, the programme in {programme.currency}",
        )
    terms = programme.terms_at(time)
    if terms is None:
        return 0, (
            "no_terms",
            f"programme {programme.name} has no terms for the time of order {data.order_id}",
        )
    tier = held_tier(posting.account, posting.programmes, time)
    points = points_for(Decimal(data.total.amount), terms, multiplier_of(tier))
    if points > MOST_POINTS_A_PURCHASE:
        return 0, (
            "points_out_of_range",
            f"order {data.order_id} would earn {points} points, over the {MOST_POINTS_A_PURCHASE} a purchase can earn",
        )
    return points, None


def _expiry(posting: Posting, given: datetime | UnsetType | None) -> int:
    """L13: what the event says, null meaning never; by the terms where it says nothing."""
    if given is UNSET:
        return posting.programme.expiry(posting.cause.time)
    return microseconds_of(given) if isinstance(given, datetime) else NEVER
