"""What can be done with a case or a task on a screen, as the event that says it was done. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import xxhash

SOURCE: Final = "/rapport/console"
"""What the console sends events as; nobody outside may."""
MOST_TOKEN_CHARACTERS: Final = 64

Form = Mapping[str, str]


def _nothing(_form: Form) -> dict[str, Any]:
    return {}


def _note(form: Form) -> dict[str, Any]:
    return _given(note=form.get("note"))


def _reason(form: Form) -> dict[str, Any]:
    return _given(reason=form.get("reason"))


def _assigned(form: Form) -> dict[str, Any]:
    assignee = _given(person=form.get("person"), department=form.get("department"))
    return {"assignee": assignee, "level": form.get("level", "")}


def _escalated(form: Form) -> dict[str, Any]:
    return {"to_level": form.get("to_level", ""), "reason": form.get("reason", "")}


def _resolved(form: Form) -> dict[str, Any]:
    return {
        "resolution": form.get("resolution", ""),
        **_given(handling_fault=form.get("handling_fault")),
    }


def _compensated(form: Form) -> dict[str, Any]:
    kind, worth = form.get("kind", ""), form.get("worth", "").strip()
    if kind == "points":
        return {"kind": kind, "points": int(worth) if worth.isascii() and worth.isdigit() else worth}
    return {"kind": kind, "amount": {"amount": worth, "currency": form.get("currency", "").strip().upper()}}


CASE_ACTIONS: Final[Mapping[str, Callable[[Form], dict[str, Any]]]] = {
    "acknowledged": _nothing,
    "started": _nothing,
    "assigned": _assigned,
    "customer_awaited": _note,
    "customer_replied": _note,
    "note_added": _note,
    "escalated": _escalated,
    "resolved": _resolved,
    "compensated": _compensated,
    "accepted": _reason,
    "reopened": _reason,
    "withdrawn": _reason,
    "closed": _reason,
}
"""By the event's type without `complaint.`: what a form says of it, as the event's data. What a form leaves out or has
wrong is for the event's own checks to tell.
"""

TASK_ACTIONS: Final[Mapping[str, Callable[[Form], dict[str, Any]]]] = {
    "completed": lambda form: _given(outcome=form.get("outcome")),
    "cancelled": lambda form: _given(outcome=form.get("outcome")),
}
"""Likewise of a task."""


def case_event(action: str, complaint_id: str, staff: str, form: Form, now: datetime) -> dict[str, Any]:
    """The event of an action on a case. Raises `KeyError` for an action that there is not."""
    data = {"complaint_id": complaint_id, "staff": staff, **CASE_ACTIONS[action](form)}
    return _event(f"complaint.{action}", complaint_id, data, form, now)


def task_event(action: str, task_id: str, staff: str, form: Form, now: datetime) -> dict[str, Any]:
    """The event of an action on a task. Raises `KeyError` for an action that there is not."""
    data = {"task_id": task_id, "staff": staff, **TASK_ACTIONS[action](form)}
    return _event(f"task.{action}", task_id, data, form, now)


def _event(type_: str, subject: str, data: dict[str, Any], form: Form, now: datetime) -> dict[str, Any]:
    """`once` is the page's own token: sent twice, by a double click or a reload, it is one event of its subject."""
    once = form.get("once", "")[:MOST_TOKEN_CHARACTERS]
    return {
        "specversion": "1.0",
        "id": f"{type_}:{xxhash.xxh3_64_hexdigest(subject.encode())}:{once}",
        "source": SOURCE,
        "type": type_,
        "time": now.isoformat(),
        "data": data,
    }


def _given(**fields: str | None) -> dict[str, str]:
    return {name: value.strip() for name, value in fields.items() if value is not None and value.strip()}
