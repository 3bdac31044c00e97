"""The control table of what operators order of the projections; Alembic makes it, like the others of `control`.

`metadata` has those others as well.
"""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Integer, Table, Text, func, text

from services.projections.control_of_access import metadata

__all__ = ["metadata", "operator_jobs"]

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
    Index(
        "operator_jobs_open",
        "view",
        unique=True,
        postgresql_where=text("state in ('waiting', 'running')"),
    ),
)
"""Each order once, by whom and with what count in sight: `redrive` of what a view has parked, `switch` to a generation,
`roll_back` to the one before. The API writes it, a projection process carries it out; it stays, as the record of both.

`waiting`; `running`, also while the process that took it up is gone; `done`; `refused`, where it cannot be done as
things stand; `failed`. `taken_up` counts the processes that began with it, `applied` and `failed` the events of a
redrive so far. A view has one open job at most.
"""
