"""The tables of tasks: a row a task, and a row an event of each.

Titles stay in the journal, where `created_partition` and `created_offset` find them. Part 0 of a task is the task
itself; other parts, and a part 0 without a status, hold events that came before it was created.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

_METADATA = MetaData()

TASKS = Table(
    "tasks",
    _METADATA,
    Column("task_id", Text, nullable=False),
    Column("part", Integer, nullable=False),
    Column("early", Integer),
    Column("waiting", JSONB),
    Column("status", Text),
    Column("party_id", Text),
    Column("complaint_id", Text),
    Column("caused_by", Text),
    Column("assignee_person", Text),
    Column("assignee_department", Text),
    Column("due_at", DateTime(timezone=True)),
    Column("open_due_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("channel", Text),
    Column("location", Text),
    Column("created_at", DateTime(timezone=True)),
    Column("created_partition", Integer),
    Column("created_offset", BigInteger),
    Column("ended_at", DateTime(timezone=True)),
    Column("entries", Integer),
    PrimaryKeyConstraint("task_id", "part", name="tasks_parts"),
)
_COLUMNS = TASKS.c
Index("tasks_due", _COLUMNS.open_due_at, _COLUMNS.task_id, postgresql_where=_COLUMNS.open_due_at.is_not(None))
Index("tasks_all", _COLUMNS.due_at, _COLUMNS.task_id, postgresql_where=_COLUMNS.due_at.is_not(None))
Index("tasks_of_party", _COLUMNS.party_id, _COLUMNS.due_at, postgresql_where=_COLUMNS.party_id.is_not(None))
Index(
    "tasks_of_complaint",
    _COLUMNS.complaint_id,
    _COLUMNS.due_at,
    postgresql_where=_COLUMNS.complaint_id.is_not(None),
)
Index(
    "tasks_of_person",
    _COLUMNS.assignee_person,
    _COLUMNS.due_at,
    postgresql_where=_COLUMNS.assignee_person.is_not(None),
)
Index(
    "tasks_of_department",
    _COLUMNS.assignee_department,
    _COLUMNS.due_at,
    postgresql_where=_COLUMNS.assignee_department.is_not(None),
)

TASK_ENTRIES = Table(
    "task_entries",
    _METADATA,
    Column("task_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("status_after", Text),
    Column("anomaly", Text),
    Column("staff", Text),
    Column("assignee_person", Text),
    Column("assignee_department", Text),
    Column("due_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("task_id", "number", name="task_entries_history"),
)
