"""The fold of tasks: one event and the rows it needs in, changed rows and an entry out."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any, get_args

from services.projections.early_events import (
    TOO_MANY_EARLY,
    Occurrence,
    by_type,
    is_full,
    occurrence_of,
    refused,
    waiting_in,
    waiting_keys,
    with_waiting,
)
from services.projections.read_models.declaration import Evolved, Key, Needs, Row
from services.projections.tasks.tables import TASKS
from services.projections.tasks.task import Task, TaskEvent, entry
from shared.envelope import RecordedEvent
from shared.events.task import TaskCreated

_EMPTY: Row = dict.fromkeys(column.name for column in TASKS.columns if not column.primary_key)
_CLASSES = by_type(get_args(TaskEvent))


def keys(event: RecordedEvent[Any]) -> tuple[Key, ...]:
    """The row of the task."""
    return ((event.data.task_id, 0),)


def evolve(rows: Mapping[Key, Row | None], event: RecordedEvent[Any]) -> Evolved | Needs:
    """Folds one event. It is given the row of `keys(event)` and any others, and answers which it needs besides."""
    key = (event.data.task_id, 0)
    row = rows[key]
    if row is not None and row["status"] is not None:
        task = Task(row)
        found = task.apply(occurrence_of(event))
        return Evolved({key: task.row()}, (found,))
    early = 0 if row is None else row["early"]
    if isinstance(event.data, TaskCreated):
        return _created(rows, event, early)
    return _waits(rows, occurrence_of(event), early)


def _waits(rows: Mapping[Key, Row | None], occurrence: Occurrence, early: int) -> Evolved | Needs:
    task_id = occurrence.data.task_id
    if is_full(early):
        # The creation will be entry 1, and each early event has the number it would have had by waiting.
        found = entry(early + 2, occurrence, None, TOO_MANY_EARLY)
        return Evolved({(task_id, 0): {**_EMPTY, "early": early + 1}}, (found,))
    changed = with_waiting(rows, task_id, occurrence, early, _EMPTY)
    return changed if isinstance(changed, Needs) else Evolved(changed)


def _created(
    rows: Mapping[Key, Row | None], event: RecordedEvent[TaskCreated], early: int
) -> Evolved | Needs:
    task_id = event.data.task_id
    waiting = waiting_keys(task_id, early)
    if lacking := [key for key in waiting if key not in rows]:
        return Needs(lacking)
    row = _new(event)
    task = Task(row)
    entries = [entry(1, occurrence_of(event), row, None)]
    entries += map(task.apply, waiting_in(rows, waiting, event.partition, _CLASSES))
    after = task.row()
    gone: dict[Key, Row | None] = dict.fromkeys(waiting)
    return Evolved({**gone, (task_id, 0): {**after, "entries": after["entries"] + refused(early)}}, entries)


def _new(event: RecordedEvent[TaskCreated]) -> Row:
    data = event.data
    return {
        **_EMPTY,
        "status": "open",
        "party_id": event.party_id,
        "complaint_id": data.complaint_id,
        "caused_by": event.record.causeid,
        "assignee_person": data.assignee.person,
        "assignee_department": data.assignee.department,
        "due_at": data.due_at.astimezone(UTC),
        "channel": event.channel,
        "location": data.location,
        "created_at": event.time,
        "created_partition": event.partition,
        "created_offset": event.offset,
        "entries": 1,
    }
