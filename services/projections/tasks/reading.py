"""What a task shows at a time, from its row and its history. Rows show the present."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from services.projections.moments import microseconds_of, text_of
from services.projections.read_models.declaration import Row

_SHOWN = ("status", "party_id", "complaint_id", "caused_by", "outcome", "channel", "location")


def is_overdue(row: Row, at: datetime) -> bool:
    """Whether a task is open and past due."""
    return row["open_due_at"] is not None and row["open_due_at"] < at


def listed_task(task_id: str, row: Row, at: datetime, *, customer_id: str | None = None) -> dict[str, Any]:
    """A task as lists show it."""
    return {
        "task_id": task_id,
        "customer_id": customer_id,
        **{name: row[name] for name in _SHOWN},
        "assignee": _assignee(row),
        "due_at": _text(row["due_at"]),
        "created_at": _text(row["created_at"]),
        "ended_at": _text(row["ended_at"]),
        "overdue": is_overdue(row, at),
    }


def task_view(
    task_id: str, row: Row, entries: Iterable[Row], at: datetime, *, customer_id: str | None = None
) -> dict[str, Any]:
    """A task as it is shown alone, with its history; `entries` are all of it, by number."""
    shown = listed_task(task_id, row, at, customer_id=customer_id)
    return {**shown, "history": [_history_item(each) for each in entries]}


def _history_item(entry: Row) -> dict[str, Any]:
    return {
        "event_id": entry["event_id"],
        "source": entry["source"],
        "type": entry["type"],
        "time": _text(entry["time"]),
        "status_after": entry["status_after"],
        "assignee_after": _assignee(entry),
        "due_at_after": _text(entry["due_at"]),
        "anomaly": entry["anomaly"],
        "staff": entry["staff"],
    }


def _assignee(row: Row) -> dict[str, str | None] | None:
    if row["assignee_person"] is None and row["assignee_department"] is None:
        return None
    return {"person": row["assignee_person"], "department": row["assignee_department"]}


def _text(time: datetime | None) -> str | None:
    return None if time is None else text_of(microseconds_of(time))
