"""A task while events apply to it, and what each event leaves in its history.

It is open from its creation until it is completed or cancelled; nothing changes it after that.
"""

from datetime import UTC, datetime
from typing import Any, Literal, assert_never

from services.projections.early_events import Occurrence
from services.projections.moments import datetime_of
from services.projections.read_models.declaration import Row
from shared.events.assignee import Assignee
from shared.events.task import TaskAssigned, TaskCancelled, TaskCompleted, TaskCreated, TaskRescheduled

TaskStatus = Literal["open", "completed", "cancelled"]
TaskEvent = TaskCreated | TaskAssigned | TaskRescheduled | TaskCompleted | TaskCancelled

ALREADY_CREATED = "already_created"
NOT_ALLOWED = "not_allowed_in_"
"""With a status after it: an event that is not allowed in that status."""


class Task:
    """One task. It is made from a row, which stays as it is, and answers the next one."""

    def __init__(self, row: Row) -> None:
        self._row: dict[str, Any] = dict(row)

    def row(self) -> Row:
        """The task as it is now."""
        is_open = self._row["status"] == "open"
        return {**self._row, "open_due_at": self._row["due_at"] if is_open else None}

    def apply(self, occurrence: Occurrence) -> Row:
        """Changes the task by an event, unless that is an anomaly, and answers the event's entry."""
        anomaly = self._anomaly(occurrence.data)
        if anomaly is None:
            self._change(occurrence.data, datetime_of(occurrence.time))
        self._row["entries"] += 1
        return entry(self._row["entries"], occurrence, self._row, anomaly)

    def _anomaly(self, data: TaskEvent) -> str | None:
        if isinstance(data, TaskCreated):
            return ALREADY_CREATED
        return None if self._row["status"] == "open" else f"{NOT_ALLOWED}{self._row['status']}"

    def _change(self, data: TaskEvent, time: datetime) -> None:
        row = self._row
        match data:
            case TaskCreated():
                return
            case TaskAssigned():
                self._assign(data.assignee)
            case TaskRescheduled():
                if data.assignee is not None:
                    self._assign(data.assignee)
            case TaskCompleted() | TaskCancelled():
                if data.assignee is not None:
                    self._assign(data.assignee)
                row["status"] = "completed" if isinstance(data, TaskCompleted) else "cancelled"
                row["ended_at"] = time
            case _:
                assert_never(data)
        row["due_at"] = row["due_at"] if data.due_at is None else data.due_at.astimezone(UTC)
        row["outcome"] = data.outcome or row["outcome"]

    def _assign(self, assignee: Assignee | None) -> None:
        self._row["assignee_person"] = assignee.person if assignee else None
        self._row["assignee_department"] = assignee.department if assignee else None


def entry(number: int, occurrence: Occurrence, row: Row | None, anomaly: str | None) -> Row:
    """The entry of an event: the task's status, assignee and due time after it, and why it changed nothing."""
    return {
        "task_id": occurrence.data.task_id,
        "number": number,
        "partition": occurrence.partition,
        "log_offset": occurrence.offset,
        "event_id": occurrence.event_id,
        "source": occurrence.source,
        "type": occurrence.data.TYPE,
        "time": datetime_of(occurrence.time),
        "status_after": row["status"] if row else None,
        "anomaly": anomaly,
        "staff": occurrence.data.staff,
        **{name: row[name] if row else None for name in ("assignee_person", "assignee_department", "due_at")},
    }
