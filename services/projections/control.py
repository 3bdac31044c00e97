"""The control tables' names and columns as the engine and the queries use them; Alembic makes them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

metadata = MetaData(schema="control")

log_identity = Table(
    "log_identity",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("log_id", Text, nullable=False),
    Column("partitions", Integer, nullable=False),
)
"""One row: the log that the positions and the journal belong to."""

positions = Table(
    "positions",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
)
"""For each partition the offset of the next event to apply, and the epoch of the worker that may apply it."""

workers = Table(
    "workers",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("backend_pid", Integer, nullable=False),
    Column("backend_started_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
"""The live workers; partitions are shared out evenly among those not expired."""

leases = Table(
    "leases",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("worker", Text, nullable=False),
)
"""Which worker holds which partition."""

journal = Table(
    "journal",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("log_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("event_hash", LargeBinary, nullable=False),
    Column("stream_key", Text, nullable=False),
    Column("party_id", Text),
    Column("event_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("recorded_time", DateTime(timezone=True), nullable=False),
    Column("channel", Text, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("data", JSON, nullable=False),
    UniqueConstraint("partition", "event_hash", name="journal_event_hash"),
    Index("journal_stream", "stream_key"),
    Index("journal_named_party", "party_id", postgresql_where=text("party_id <> stream_key")),
    Index(
        "journal_task_complaint",
        text("(data ->> 'complaint_id')"),
        postgresql_where=text("type = 'task.created' and party_id is null"),
    ),
    Index(
        "journal_cause",
        text("(attributes ->> 'causeid')"),
        postgresql_where=text("(attributes ->> 'causeid') is not null"),
    ),
)
"""Each applied event once; unique by (partition, event_hash), which is the search for repeats.

The other indexes find what happened under a stream key, the cases whose events name a party, the tasks made for a
complaint that name nobody, and what an event caused. By the stream key alone: equal ones share their entry in the
index, which so takes about 27 bytes an event and 2 µs to keep, and the few events of a key are sorted when they are
read.

`attributes` is the rest of the log value (dataschema, customer, linked, sentat, traceparent, causeid): so the log value
can be written again from the row; `data` is the event's data as the log holds it.
"""

generations = Table(
    "generations",
    metadata,
    Column("view", Text, primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("switched_at", DateTime(timezone=True)),
    Index(
        "generations_shown",
        "view",
        unique=True,
        postgresql_where=text("state in ('live', 'paused', 'outdated')"),
    ),
)
"""The generations of each view and their states.

`building`: not complete, or never switched to and behind; `ready`: complete up to its positions, for a switch;
`live`: shown to readers and in the live set; `paused`: shown, left out of the live set by hand; `outdated`: shown, left
out because the program has a newer version of the view; `retired`: shown once, kept for rollback. `switched_at` is when
readers were last pointed to it.
"""

generation_positions = Table(
    "generation_positions",
    metadata,
    Column("view", Text, primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("target", BigInteger, nullable=False),
    Column("resumed_position", BigInteger, nullable=False),
    Column("resumed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""Where a generation outside the live set stands; generations in it stand where `positions` does.

`position` is the next offset to apply, on the way from `first` to `target`. From `resumed_position` at `resumed_at`,
when a process took the partition up, to `position` at `updated_at` follows the rate.
"""

live_set = Table(
    "live_set",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)
"""One row: raised, with every partition's position locked, whenever views join or leave the live set."""

attempts = Table(
    "attempts",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
)
"""For each partition the event last taken up first, or alone, and how often without an answer; counted beforehand."""

EVERY_VIEW = "*"
"""Stands for all views in `parked_events`: the record could not be decoded, so none of them has seen it."""

parked_events = Table(
    "parked_events",
    metadata,
    Column("view", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("log_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("stream_key", Text),
    Column("event_id", Text),
    Column("source", Text),
    Column("record_key", LargeBinary),
    Column("record_value", LargeBinary),
    Column("error", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("unanswered", Integer, nullable=False, server_default=text("0")),
    Column("discarded_at", DateTime(timezone=True)),
    Column("discarded_by", Text),
    Column("reason", Text),
    Index(
        "parked_events_waiting",
        "view",
        "stream_key",
        "partition",
        "log_offset",
        postgresql_where=text("discarded_at is null"),
    ),
)
"""What a view could not take: it waits to be redriven, which removes it, or was discarded, which keeps it for good.

`record_key` and `record_value` are the log's own bytes, so that nothing depends on the log still holding them. `error`
is the name of the error, `detail` its message. `attempts` counts how often the view was given the event, `unanswered`
how many of the last redrives of it were begun and never ended. A view's generations leave out, of what they have
passed, exactly what stands here for it: waiting or discarded.
"""

redriven_events = Table(
    "redriven_events",
    metadata,
    Column("view", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
)
"""How many parked events each view has taken when they were redriven."""

terms_in_force = Table(
    "terms_in_force",
    metadata,
    Column("programme", Text, primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("content", Text, nullable=False),
    Column("until", Date, nullable=False),
)
"""The terms of loyalty programmes that were in force until a day; see `services.projections.loyalty.past_terms`."""

complaint_policies = Table(
    "complaint_policies",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("first_offsets", JSONB, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""The complaint policies that came into force, in that order, each for events from an offset on in each partition."""

subject_keys = Table(
    "subject_keys",
    metadata,
    Column("key_id", LargeBinary, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("wrapped_key", LargeBinary),
    Column("master_key_id", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("destroyed_at", DateTime(timezone=True)),
    Column("destruction", BigInteger),
    Index("subject_keys_in_use", "subject", unique=True, postgresql_where=text("wrapped_key is not null")),
    Index(
        "subject_keys_destroyed",
        "destruction",
        "key_id",
        postgresql_where=text("destruction is not null"),
    ),
)
"""The keys that personal data are sealed with; see `shared.personal_data`, which alone reads and writes them.

`subject` is a party id, or the stream key of a case or task; it has at most one key in use. A destroyed key stays as a
row without `wrapped_key`, so that its id is never given again; `destruction` counts destructions in the order in which
they were committed.
"""

erasures = Table(
    "erasures",
    metadata,
    Column("request", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("parties", Integer, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("keys_destroyed", Integer, nullable=False),
    Column("position", Text, nullable=False),
    Column("erased_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""The receipts of erasures, which hold no personal data: `customer_id` is made of party ids, as stream keys are.

How many identifiers and how many complaints and tasks were erased, how many keys that destroyed, and up to where the
log has it. A request that is repeated adds what it destroyed to its receipt.
"""
