"""The control tables of what operators order of the projections, of what comparing these with the log came to, and of
how far they were behind; Alembic makes them, like the others of `control`.

`metadata` has those others as well.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.control_of_access import metadata

__all__ = ["lag_samples", "metadata", "operator_jobs", "verifications"]

operator_jobs = Table(
    "operator_jobs",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("view", Text, nullable=False),
    Column("stream_key", Text),
    Column("error", Text),
    Column("generation", Integer),
    Column("counted", BigInteger),
    Column("ordered_by", Text, nullable=False),
    Column("staff", Text),
    Column("ordered_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("taken_up", Integer, nullable=False, server_default=text("0")),
    Column("applied", BigInteger, nullable=False, server_default=text("0")),
    Column("failed", BigInteger, nullable=False, server_default=text("0")),
    Column("started_at", DateTime(timezone=True)),
    Column("progressed_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("again", Boolean, nullable=False, server_default=text("false")),
    Column("folded", BigInteger),
    Column("to_fold", BigInteger),
    Index(
        "operator_jobs_open",
        "view",
        unique=True,
        postgresql_where=text("state in ('waiting', 'running')"),
    ),
)
"""Each order once, by whom and with what count in sight: `redrive` of what a view has parked, `switch` to a generation,
`roll_back` to the one before, `verify` of the rows that readers see. The API writes it, a projection process carries it
out; it stays, as the record of both.

`waiting`; `running`, also while the process that took it up is gone; `done`; `refused`, where it cannot be done as
things stand; `failed`. `taken_up` counts the processes that began with it, `applied` and `failed` the events of a
redrive so far; `again` gives it those too that ended the process twice. A verification has taken up `folded` events of
`to_fold`. A view has one open job at most.
"""

verifications = Table(
    "verifications",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("view", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("begun_by", Text),
    Column("job", BigInteger),
    Column("backend_pid", Integer, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("reason", Text),
    Column("recomputed", Integer),
    Column("position", Text),
    Column("rows", BigInteger),
    Column("differing", BigInteger),
    Column("keys", JSON),
    Index("verifications_of_view", "view", "number"),
)
"""The last comparisons of each view with the log: of `generation`, which readers saw, with `recomputed`, at `position`.

`outcome` is `equal`, `differing`, or `cut_off` where there is no result, for a `reason`. It is null until it ended, or
for ever where its process was killed: it runs only while the session `backend_pid` holds the view. `keys` are the first
20 that differ, by the columns of the rows' own keys.
"""

lag_samples = Table(
    "lag_samples",
    metadata,
    Column("slot", DateTime(timezone=True), primary_key=True),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    Column("head", JSONB, nullable=False),
    Column("log_error", Text),
    Column("views", JSONB, nullable=False),
)
"""How far all views were behind in the last quarter of an hour: a row every 5 s, of whichever API process looked first.

`slot` is when the 5 s began, `taken_at` when the row was written, both by the database's clock. `head` is the log's end
by partition; `views` are `[events, seconds, applied]` by name, null where that was not known, as `log_error` says why.
See `services.api.operations.sample_table`, which alone reads and writes it.
"""
