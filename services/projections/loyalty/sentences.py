"""What an event did to an account, as one sentence for people, from the entries it left. No personal data."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.projections.loyalty.posting import ANOMALY
from services.projections.loyalty.redemptions import INSUFFICIENT_POINTS
from services.projections.read_models.declaration import Row

_WHY_REJECTED = {
    INSUFFICIENT_POINTS: "not enough points",
    "hold_expired": "it would have ended before it began",
}


def tell(entries: Iterable[dict[str, Any]], event_id: str, source: str) -> None:
    """Gives entries that an event is about to leave their sentence, if they are its own.

    Anomalies have none, nor has what another event did: releases of holds by time, refunds that had waited.
    """
    for each in entries:
        if (each["event_id"], each["source"]) == (event_id, source) and each["kind"] != ANOMALY:
            each["sentence"] = _said(each)


def _said(entry: Row) -> str:
    points, reference = entry["points"], entry["reference"]
    match entry["kind"]:
        case "earned":
            said = f"Earned {_points(points)}{_order(entry)}{_tier(entry)}"
        case "adjusted":
            said = f"Points corrected by {points:+d}{_dropped(entry)}"
        case "clawed_back":
            said = f"{_points(-points)} taken back{_order(entry)} (refund {reference}){_dropped(entry)}"
        case "redeemed":
            said = f"Redeemed {_points(-points)} (redemption {reference})"
        case "redemption_rejected":
            said = f"Rejected: {_WHY_REJECTED.get(entry['reason'], 'not possible')} ({reference})"
        case "redemption_cancelled":
            said = f"Redemption cancelled, {_points(points)} given back (redemption {reference})"
        case "hold_placed":
            said = f"{_points(_allocated(entry))} set aside (hold {reference})"
        case "hold_captured":
            said = f"Paid with {_points(-points)} set aside (hold {reference})"
        case "hold_released":
            said = f"{_points(_allocated(entry))} set aside given back (hold {reference})"
        case kind:
            raise ValueError(f"no entry of the ledger is of the kind {kind}")
    return said


def _points(points: int) -> str:
    return "1 point" if points == 1 else f"{points} points"


def _order(entry: Row) -> str:
    return f" on order {entry['order_id']}" if entry["order_id"] else ""


def _tier(entry: Row) -> str:
    return f", {entry['tier']} since today" if entry["tier"] else ""


def _dropped(entry: Row) -> str:
    return f", {_points(entry['shortfall'])} were no longer there" if entry["shortfall"] else ""


def _allocated(entry: Row) -> int:
    allocations: Sequence[dict[str, Any]] = entry["allocations"]
    return sum(each["points"] for each in allocations)
