"""The states of a complaint, what leads from one to another, and the levels it rises through."""

from typing import Literal, assert_never, get_args

from shared.events.complaint import (
    ComplaintAccepted,
    ComplaintAcknowledged,
    ComplaintAssigned,
    ComplaintClosed,
    ComplaintCompensated,
    ComplaintCustomerAwaited,
    ComplaintCustomerReplied,
    ComplaintEscalated,
    ComplaintNoteAdded,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintStarted,
    ComplaintWithdrawn,
    Level,
)

State = Literal[
    "open", "acknowledged", "in_progress", "waiting_for_customer", "resolved", "closed", "withdrawn"
]
STATES: tuple[State, ...] = get_args(State)
ACTIVE: frozenset[State] = frozenset(("open", "acknowledged", "in_progress", "waiting_for_customer"))
LEVELS: tuple[Level, ...] = get_args(Level)
"""From the lowest, at which a complaint opens, to the highest."""

ComplaintEvent = (
    ComplaintOpened
    | ComplaintAcknowledged
    | ComplaintStarted
    | ComplaintAssigned
    | ComplaintCustomerAwaited
    | ComplaintCustomerReplied
    | ComplaintNoteAdded
    | ComplaintEscalated
    | ComplaintResolved
    | ComplaintCompensated
    | ComplaintAccepted
    | ComplaintReopened
    | ComplaintWithdrawn
    | ComplaintClosed
)


def state_after(state: State, data: ComplaintEvent) -> State | None:  # noqa: C901 - a branch for each event type
    """The state that an event leads to, often the same one; None where it is not allowed."""
    after: State
    match data:
        case ComplaintOpened():
            return None
        case ComplaintAcknowledged():
            allowed, after = state == "open", "acknowledged"
        case ComplaintStarted():
            allowed, after = state in ("open", "acknowledged"), "in_progress"
        case ComplaintCustomerAwaited():
            allowed, after = state in ("open", "acknowledged", "in_progress"), "waiting_for_customer"
        case ComplaintCustomerReplied():
            allowed, after = True, "in_progress" if state == "waiting_for_customer" else state
        case ComplaintAssigned() | ComplaintNoteAdded() | ComplaintCompensated():
            allowed, after = state != "withdrawn", state
        case ComplaintEscalated():
            allowed, after = state in ACTIVE, state
        case ComplaintResolved():
            allowed, after = state in ACTIVE, "resolved"
        case ComplaintAccepted() | ComplaintClosed():
            allowed, after = state == "resolved", "closed"
        case ComplaintReopened():
            allowed, after = state in ("resolved", "closed"), "in_progress"
        case ComplaintWithdrawn():
            allowed, after = state in ACTIVE, "withdrawn"
        case _:
            assert_never(data)
    return after if allowed else None


def higher(one: Level, other: Level) -> Level:
    """The higher of two levels."""
    return max(one, other, key=LEVELS.index)


def level_above(level: Level) -> Level | None:
    """The next level up, None above the highest."""
    place = LEVELS.index(level) + 1
    return LEVELS[place] if place < len(LEVELS) else None
