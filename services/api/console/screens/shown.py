"""What every screen is given: who looks at it, for what, and when."""

from datetime import datetime
from typing import Any, Final

from services.api.access.purposes import Purpose
from services.api.console.calls import Answered
from services.api.console.visitors import Visitor

_NEVER_READ: Final = frozenset({"forbidden_call", "invalid_parameter", "invalid_cursor"})


def frame(visitor: Visitor, purpose: Purpose | None, now: datetime, here: str) -> dict[str, Any]:
    """The part of a page around its own: `here` is the entry of the navigation that it belongs to."""
    return {
        "staff": visitor.staff,
        "department": visitor.department,
        "signed_in": visitor.signed_in,
        "purposes": visitor.purposes,
        "purpose": purpose,
        "parts": visitor.reader.rights.parts,
        "now": now,
        "here": here,
        "reader": visitor.reader.name,
        "position": None,
    }


def panel(answered: Answered) -> dict[str, Any]:
    """A part of a page that has a call of its own, and fails alone: its document, or what to say instead.

    `state` is `ready`, `closed` where the reader's roles do not have the call, or `failed`.
    """
    problem = answered.problem
    if problem is None:
        return {"state": "ready", "document": answered.document, "problem": None}
    state = "closed" if problem["code"] == "forbidden_call" else "failed"
    return {"state": state, "document": None, "problem": problem}


def follows(answered: Answered) -> bool:
    """Whether a part may hear of changes: not one that the reader's roles close, or that nobody could ask for.

    A single topic of such a part would end the stream of all tabs.
    """
    return answered.problem is None or answered.problem["code"] not in _NEVER_READ
