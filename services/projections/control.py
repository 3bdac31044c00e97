"""The control tables' names and columns as the engine and the queries use them; Alembic makes them."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSON

metadata = MetaData(schema="control")

log_identity = Table(
    "log_identity",
    metadata,
    Column("only", Integer, primary_key=True),
    Column("log_id", Text, nullable=False),
    Column("partitions", Integer, nullable=False),
)
"""One row: the log that the positions and the journal belong to."""

positions = Table(
    "positions",
    metadata,
    Column("partition", Integer, primary_key=True),
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
    Column("partition", Integer, primary_key=True),
    Column("worker", Text, nullable=False),
)
"""Which worker holds which partition."""

journal = Table(
    "journal",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("log_offset", BigInteger, primary_key=True),
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
)
"""Each applied event once; unique by (partition, event_hash), which is the search for repeats.

`attributes` is the rest of the log value (customer, dataschema, sentat, traceparent, causeid), so that the log value can
be written again from the row; `data` is the event's data as the log holds it.
"""

generations = Table(
    "generations",
    metadata,
    Column("view", Text, primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
)
"""The generations of each view; the one in state `live` is what the SQL views in schema `live` show."""
