"""Holds: tentative redemptions that are captured, released, or released by time (L10)."""

from typing import Any

from services.projections.loyalty.account import OpenHold, read_back, stored
from services.projections.loyalty.lots import Lot
from services.projections.loyalty.posting import Cause, Posting
from services.projections.loyalty.redemptions import INSUFFICIENT_POINTS
from services.projections.moments import microseconds_of
from shared.events.loyalty import LoyaltyHoldCaptured, LoyaltyHoldPlaced, LoyaltyHoldReleased

HOLD_EXPIRED = "hold_expired"


def release_expired(posting: Posting, time: int) -> None:
    """Releases every hold that has expired at a time, each at its own expiry."""
    if not posting.account.holds:
        return
    due = [hold for hold in posting.account.holds if hold.expires_at <= time]
    for hold in sorted(due, key=lambda hold: hold.expires_at):
        state = posting.account.rows.state("hold", hold.hold_id)
        if state is None:
            raise LookupError(f"account {posting.account.rows.account_id} has lost hold {hold.hold_id}")
        _release(posting, hold.hold_id, state, "expired", Cause(hold.event_id, hold.source, hold.expires_at))


def place(posting: Posting, data: LoyaltyHoldPlaced) -> None:
    """Sets points aside if they are available and the hold is not over before it begins; a repeat changes nothing."""
    account, time = posting.account, posting.cause.time
    before = account.rows.state("hold", data.hold_id)
    if before is not None:
        if before["points"] != data.points:
            posting.anomaly(
                "hold_conflict", f"hold {data.hold_id} was of {before['points']} points, now of {data.points}"
            )
        return
    expires_at = microseconds_of(data.expires_at)
    available = account.lots.usable_points(time)
    refused = HOLD_EXPIRED if expires_at <= time else INSUFFICIENT_POINTS if data.points > available else None
    taken = [] if refused else account.take(data.points, time)
    state = {
        "points": data.points,
        "status": "rejected" if refused else "open",
        "reason": refused,
        "available": available if refused else available - data.points,
        "expires_at": expires_at,
        "allocations": stored(taken),
    }
    account.rows.put("hold", data.hold_id, state)
    if refused:
        posting.enter("redemption_rejected", 0, reason=refused, reference=data.hold_id)
        return
    account.holds.append(
        OpenHold(data.hold_id, expires_at, data.points, posting.cause.event_id, posting.cause.source)
    )
    posting.enter("hold_placed", 0, reference=data.hold_id, allocations=taken)


def capture(posting: Posting, data: LoyaltyHoldCaptured) -> None:
    """Spends the first points of an open hold and gives the rest back."""
    account = posting.account
    state = _open(posting, data.hold_id)
    if state is None:
        return
    if data.points > state["points"]:
        posting.anomaly(
            "hold_exceeded", f"hold {data.hold_id} is of {state['points']} points, not of {data.points}"
        )
        return
    kept, rest = _parted(read_back(state["allocations"]), data.points)
    repaid = account.give_back(rest, posting.cause.time)
    _close(posting, data.hold_id, state, "captured", captured=data.points, time=posting.cause.time)
    posting.enter(
        "hold_captured",
        -data.points,
        reason=data.reward,
        reference=data.hold_id,
        allocations=kept,
        repaid=repaid,
    )


def release(posting: Posting, data: LoyaltyHoldReleased) -> None:
    """Gives all points of an open hold back."""
    state = _open(posting, data.hold_id)
    if state is not None:
        _release(posting, data.hold_id, state, "released", posting.cause)


def _open(posting: Posting, hold_id: str) -> dict[str, Any] | None:
    """The state of an open hold; for any other an anomaly, and None."""
    state = posting.account.rows.state("hold", hold_id)
    status = "unknown" if state is None else state["status"]
    if status == "open":
        return state
    code = {"unknown": "unknown_hold", "rejected": "unknown_hold", "expired": HOLD_EXPIRED}.get(
        status, "hold_closed"
    )
    posting.anomaly(code, f"hold {hold_id} is not open but {status}; nothing changes")
    return None


def _release(posting: Posting, hold_id: str, state: dict[str, Any], status: str, cause: Cause) -> None:
    allocations = read_back(state["allocations"])
    repaid = posting.account.give_back(allocations, cause.time)
    _close(posting, hold_id, state, status, captured=0, time=cause.time)
    posting.enter("hold_released", 0, cause=cause, reference=hold_id, allocations=allocations, repaid=repaid)


def _close(
    posting: Posting, hold_id: str, state: dict[str, Any], status: str, *, captured: int, time: int
) -> None:
    """Once its points are where they belong: `available_after` is what the account has then."""
    account = posting.account
    account.holds = [hold for hold in account.holds if hold.hold_id != hold_id]
    available = account.lots.usable_points(time)
    closed = {
        **state,
        "status": status,
        "captured": captured,
        "available_after": available,
        "allocations": [],
    }
    account.rows.put("hold", hold_id, closed)


def _parted(allocations: list[Lot], points: int) -> tuple[list[Lot], list[Lot]]:
    """The first points of allocations, in their order, and the rest."""
    kept, rest = [], []
    for each in allocations:
        part = min(points, each.remaining)
        points -= part
        if part:
            kept.append(each.with_remaining(part))
        if part < each.remaining:
            rest.append(each.with_remaining(each.remaining - part))
    return kept, rest
