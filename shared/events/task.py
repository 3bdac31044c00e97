"""Things staff have to do for a customer; `task_id` is the task's number in the system that made it."""

from typing import Annotated

from shared.events.assignee import ASSIGNEE_SCHEMA, Assignee
from shared.events.data import EventData, KeyedBy, personal, refuse_time_outside_history
from shared.events.vocabulary import AwareDatetime, Reference, ShortText


class TaskData(EventData, frozen=True, kw_only=True):
    """What every task event names: the task."""

    CUSTOMER_REQUIRED = False
    SCHEMA_RULES = ({"properties": {"assignee": ASSIGNEE_SCHEMA}},)

    task_id: Reference

    def keyed_by(self) -> KeyedBy:
        """The task."""
        return KeyedBy("task", self.task_id)


class TaskCreated(TaskData, frozen=True, kw_only=True):
    """Somebody is to do something by `due_at`, for the complaint `complaint_id` where there is one."""

    TYPE = "task.created"

    title: Annotated[ShortText, personal("free_text")]
    due_at: AwareDatetime
    assignee: Assignee
    complaint_id: Reference | None = None

    def __post_init__(self) -> None:
        """Checks the time."""
        refuse_time_outside_history("due_at", self.due_at)


class TaskChanged(TaskData, frozen=True, kw_only=True):
    """A task event that may name a new assignee, due time or outcome; absent ones stay as they are."""

    assignee: Assignee | None = None
    due_at: AwareDatetime | None = None
    outcome: ShortText | None = None

    def __post_init__(self) -> None:
        """Checks the time."""
        refuse_time_outside_history("due_at", self.due_at)


class TaskAssigned(TaskChanged, frozen=True, kw_only=True):
    """The task was given to somebody else, or back to nobody where no assignee is named."""

    TYPE = "task.assigned"


class TaskRescheduled(TaskChanged, frozen=True, kw_only=True):
    """The task is due at another time."""

    TYPE = "task.rescheduled"


class TaskCompleted(TaskChanged, frozen=True, kw_only=True):
    """The task was done."""

    TYPE = "task.completed"


class TaskCancelled(TaskChanged, frozen=True, kw_only=True):
    """The task need not be done any more."""

    TYPE = "task.cancelled"
