"""Redemptions and holds as the API answers them: as first decided, as an event left them, and as they are.

`available` is what the account had right after the last of the entries shown, at its time.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from services.projections.loyalty.outcomes import Found, Told
from services.projections.loyalty.posting import ANOMALY
from services.projections.loyalty.reading import statement
from services.projections.moments import microseconds_of, text_of
from services.projections.read_models.declaration import Row

View = dict[str, Any]

_DECIDING = frozenset({"redeemed", "redemption_rejected", "hold_placed"})
_OF_EVENTS = frozenset({"implicit_enrolment"})
"""Anomalies that tell of an event without keeping it from what it asks for."""


class Anomaly(NamedTuple):
    """Why the ledger did not do what an event asked for."""

    code: str
    detail: str


def decided_redemption(redemption_id: str, found: Found) -> View | None:
    """The first outcome of a redemption, whatever became of it since; None where the ledger has none."""
    if found.state is None:
        return None
    decided = [each for each in found.entries if each["kind"] in _DECIDING]
    accepted = any(each["kind"] == "redeemed" for each in decided)
    status = "accepted" if accepted else "rejected"
    return _redemption(redemption_id, found.state, status, decided, found.state["available"])


def redemption_view(redemption_id: str, found: Found) -> View | None:
    """A redemption as it is; None where the ledger has none."""
    state = found.state
    if state is None:
        return None
    available = state.get("available_after", state["available"])
    return _redemption(redemption_id, state, state["status"], found.entries, available)


def decided_hold(hold_id: str, found: Found) -> View | None:
    """The first outcome of placing a hold, whatever became of it since; None where the ledger has none."""
    if found.state is None:
        return None
    decided = [each for each in found.entries if each["kind"] in _DECIDING]
    status = "rejected" if found.state["status"] == "rejected" else "open"
    return _hold(hold_id, found.state, status, decided, found.state["available"], captured=0)


def closed_hold(hold_id: str, found: Found, told: Told) -> View | None:
    """A hold as the event that captured or released it left it; None where the event did neither."""
    own = [each for each in told.entries if each in found.entries]
    if found.state is None or not own:
        return None
    state = found.state
    return _hold(
        hold_id, state, state["status"], own, state["available_after"], captured=state.get("captured", 0)
    )


def hold_view(hold_id: str, found: Found, now: datetime) -> View | None:
    """A hold as it is at a time; None where the ledger has none. An open one that ran out reads as `expired`."""
    state = found.state
    if state is None:
        return None
    status = state["status"]
    if status == "open" and state["expires_at"] <= microseconds_of(now):
        status = "expired"
    available = state.get("available_after", state["available"])
    return _hold(hold_id, state, status, found.entries, available, captured=state.get("captured", 0))


def anomaly_of(told: Told, event_id: str, source: str) -> Anomaly | None:
    """What the ledger held against an event, None where nothing."""
    for entry in told.entries:
        own = (entry["event_id"], entry["source"]) == (event_id, source)
        if own and entry["kind"] == ANOMALY and entry["reason"] not in _OF_EVENTS:
            return Anomaly(entry["reason"], entry["detail"])
    return None


def rejection_of(found: Found) -> str | None:
    """Why a redemption or hold was rejected, None where it was not."""
    return next((each["reason"] for each in found.entries if each["kind"] == "redemption_rejected"), None)


def _redemption(
    redemption_id: str, state: Mapping[str, Any], status: str, entries: Iterable[Row], available: int
) -> View:
    return {
        "redemption_id": redemption_id,
        "status": status,
        "points": state["points"],
        "entries": statement(entries),
        "available": available,
    }


def _hold(
    hold_id: str,
    state: Mapping[str, Any],
    status: str,
    entries: Iterable[Row],
    available: int,
    *,
    captured: int,
) -> View:
    return {
        "hold_id": hold_id,
        "status": status,
        "points": state["points"],
        "captured": captured,
        "expires_at": text_of(state["expires_at"]),
        "entries": statement(entries),
        "available": available,
    }
