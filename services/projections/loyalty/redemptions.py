"""Redemptions are decided here, in log order, once for each `redemption_id` (L8), and may be cancelled (L9)."""

from services.projections.loyalty.account import read_back, stored
from services.projections.loyalty.posting import Posting
from shared.events.loyalty import LoyaltyRedemptionCancelled, LoyaltyRedemptionRequested

INSUFFICIENT_POINTS = "insufficient_points"


def redeem(posting: Posting, data: LoyaltyRedemptionRequested) -> None:
    """Accepts a request whose points are available, else rejects it; a repeat changes nothing."""
    account, time = posting.account, posting.cause.time
    before = account.rows.state("redemption", data.redemption_id)
    if before is not None:
        if before["points"] != data.points:
            posting.anomaly(
                "redemption_conflict",
                f"redemption {data.redemption_id} was of {before['points']} points, now of {data.points}",
            )
        return
    available = account.lots.usable_points(time)
    accepted = data.points <= available
    taken = account.take(data.points, time) if accepted else []
    account.rows.put(
        "redemption",
        data.redemption_id,
        {
            "points": data.points,
            "status": "accepted" if accepted else "rejected",
            "available": available - data.points if accepted else available,
            "partner": data.partner,
            "allocations": stored(taken),
        },
    )
    posting.enter(
        "redeemed" if accepted else "redemption_rejected",
        -data.points if accepted else 0,
        reason=data.reward if accepted else INSUFFICIENT_POINTS,
        reference=data.redemption_id,
        partner=data.partner,
        allocations=taken,
    )


def cancel(posting: Posting, data: LoyaltyRedemptionCancelled) -> None:
    """Gives an accepted redemption's points back to their own lots; a second time is an anomaly."""
    account = posting.account
    redemption = account.rows.state("redemption", data.redemption_id)
    if redemption is None or redemption["status"] == "rejected":
        what = "is not known" if redemption is None else "was rejected"
        posting.anomaly("unknown_redemption", f"redemption {data.redemption_id} {what}; nothing to cancel")
        return
    if redemption["status"] == "cancelled":
        posting.anomaly("already_cancelled", f"redemption {data.redemption_id} was cancelled before")
        return
    allocations = read_back(redemption["allocations"])
    repaid = account.give_back(allocations, posting.cause.time)
    available = account.lots.usable_points(posting.cause.time)
    cancelled = {**redemption, "status": "cancelled", "available_after": available, "allocations": []}
    account.rows.put("redemption", data.redemption_id, cancelled)
    posting.enter(
        "redemption_cancelled",
        redemption["points"],
        reason=data.reason,
        reference=data.redemption_id,
        partner=redemption["partner"],
        allocations=allocations,
        repaid=repaid,
    )
