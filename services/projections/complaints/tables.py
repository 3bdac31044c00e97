"""The tables of complaints: a row a case, with what is searched, sorted and counted by; and a row an event of each.

Free text stays in the journal, where `opened_partition` and `opened_offset` find it. Part 0 of a complaint is the case;
other parts, and a part 0 without a state, hold events that came before it was opened. In `clocks` and `ended_clocks`
times and lengths are microseconds.

The report counts cases by `opened_at`: resolved are those with `resolved_at`, of these on time those with `on_time`,
and `working_seconds` is what their resolution took, all rounds together, pauses left out.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
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

COMPLAINTS = Table(
    "complaints",
    _METADATA,
    Column("complaint_id", Text, nullable=False),
    Column("part", Integer, nullable=False),
    Column("early", Integer),
    Column("waiting", JSONB),
    Column("state", Text),
    Column("level", Text),
    Column("severity", Text),
    Column("cause", Text),
    Column("channel", Text),
    Column("location", Text),
    Column("party_id", Text),
    Column("order_id", Text),
    Column("claim", JSONB),
    Column("caused_by", Text),
    Column("opened_at", DateTime(timezone=True)),
    Column("opened_partition", Integer),
    Column("opened_offset", BigInteger),
    Column("policy_version", Text),
    Column("policy", Text),
    Column("calendar", Text),
    Column("assignee_person", Text),
    Column("assignee_department", Text),
    Column("round", Integer),
    Column("reopened", Integer),
    Column("clocks", JSONB),
    Column("next_due_at", DateTime(timezone=True)),
    Column("next_escalation_at", DateTime(timezone=True)),
    Column("resolution", Text),
    Column("handling_fault", Text),
    Column("resolved_at", DateTime(timezone=True)),
    Column("on_time", Boolean),
    Column("working_seconds", BigInteger),
    Column("compensation", JSONB),
    Column("entries", Integer),
    Column("latest", DateTime(timezone=True)),
    PrimaryKeyConstraint("complaint_id", "part", name="complaints_parts"),
)

_OF_A_CASE = COMPLAINTS.c.opened_at.is_not(None)
Index("complaints_opened", COMPLAINTS.c.opened_at, COMPLAINTS.c.complaint_id, postgresql_where=_OF_A_CASE)
Index(
    "complaints_due",
    COMPLAINTS.c.next_due_at,
    COMPLAINTS.c.complaint_id,
    postgresql_where=COMPLAINTS.c.next_due_at.is_not(None),
)
Index(
    "complaints_escalation",
    COMPLAINTS.c.next_escalation_at,
    COMPLAINTS.c.complaint_id,
    postgresql_where=COMPLAINTS.c.next_escalation_at.is_not(None),
)
Index("complaints_of_party", COMPLAINTS.c.party_id, COMPLAINTS.c.opened_at, postgresql_where=_OF_A_CASE)
Index(
    "complaints_of_person",
    COMPLAINTS.c.assignee_person,
    COMPLAINTS.c.opened_at,
    postgresql_where=COMPLAINTS.c.assignee_person.is_not(None),
)
Index(
    "complaints_of_department",
    COMPLAINTS.c.assignee_department,
    COMPLAINTS.c.opened_at,
    postgresql_where=COMPLAINTS.c.assignee_department.is_not(None),
)

COMPLAINT_ENTRIES = Table(
    "complaint_entries",
    _METADATA,
    Column("complaint_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("state_after", Text),
    Column("level_after", Text),
    Column("anomaly", Text),
    Column("went_back", Boolean, nullable=False),
    Column("staff", Text),
    Column("cause_id", Text),
    Column("facts", JSONB, nullable=False),
    Column("ended_clocks", JSONB, nullable=False),
    PrimaryKeyConstraint("complaint_id", "number", name="complaint_entries_history"),
)
