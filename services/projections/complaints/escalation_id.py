"""The ids of escalations of breached clocks: one for each clock and round of a complaint, whoever posts it (C7)."""

from hashlib import sha256
from typing import get_args

from services.projections.complaints.clocks import Clock, ClockName

ESCALATOR = "/rapport/escalator"
"""The source of escalations that no person decided."""

_LONGEST = 128


def escalation_id(complaint_id: str, clock: Clock) -> str:
    """`sla:COMPLAINT:CLOCK:ROUND`; where that is longer than an event's id, with a SHA-256 of the complaint's id."""
    found = f"sla:{complaint_id}:{clock.name}:{clock.round}"
    if len(found) <= _LONGEST:
        return found
    return f"sla:{sha256(complaint_id.encode()).hexdigest()}:{clock.name}:{clock.round}"


def is_escalation_of(complaint_id: str, clock: Clock, event_id: str, source: str) -> bool:
    """Whether an event is the escalation of a clock."""
    return source == ESCALATOR and event_id == escalation_id(complaint_id, clock)


def escalated_clock(event_id: str, source: str) -> ClockName | None:
    """The name of the clock that an event is the escalation of, None for what no breached clock led to."""
    if source != ESCALATOR or not event_id.startswith("sla:"):
        return None
    _, _, named = event_id.rpartition(":")[0].rpartition(":")
    return next((each for each in get_args(ClockName) if each == named), None)
