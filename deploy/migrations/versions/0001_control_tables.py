"""The control tables, and the schema through which readers see the live generation of every view."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes everything; the schemas may be there already, as Alembic keeps its own table in `control`."""
    for schema in ("control", "live"):
        op.execute(f"create schema if not exists {schema}")
    _make_position_tables()
    _make_worker_tables()
    _make_journal()
    _make_view_tables()


def downgrade() -> None:
    """Drops everything but the views' generations, which the engine makes."""
    op.execute("drop schema live cascade")
    for table in (
        "log_identity",
        "positions",
        "workers",
        "leases",
        "journal",
        "generations",
        "parked_events",
    ):
        op.drop_table(table, schema="control")


def _partition() -> sa.Column[int]:
    return sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False)


def _log_offset() -> sa.Column[int]:
    return sa.Column("log_offset", sa.BigInteger, primary_key=True, autoincrement=False)


def _make_position_tables() -> None:
    op.create_table(
        "log_identity",
        sa.Column("only", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("partitions", sa.Integer, nullable=False),
        schema="control",
    )
    op.create_table(
        "positions",
        _partition(),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        schema="control",
    )


def _make_worker_tables() -> None:
    op.create_table(
        "workers",
        sa.Column("worker", sa.Text, primary_key=True),
        sa.Column("backend_pid", sa.Integer, nullable=False),
        sa.Column("backend_started_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        schema="control",
    )
    op.create_table("leases", _partition(), sa.Column("worker", sa.Text, nullable=False), schema="control")


def _make_journal() -> None:
    op.create_table(
        "journal",
        _partition(),
        _log_offset(),
        sa.Column("event_hash", sa.LargeBinary, nullable=False),
        sa.Column("stream_key", sa.Text, nullable=False),
        sa.Column("party_id", sa.Text),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("time", _MOMENT, nullable=False),
        sa.Column("recorded_time", _MOMENT, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("attributes", JSON, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.UniqueConstraint("partition", "event_hash", name="journal_event_hash"),
        schema="control",
    )


def _make_view_tables() -> None:
    op.create_table(
        "generations",
        sa.Column("view", sa.Text, primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Index("generations_live", "view", unique=True, postgresql_where=sa.text("state = 'live'")),
        schema="control",
    )
    op.create_table(
        "parked_events",
        sa.Column("view", sa.Text, primary_key=True),
        _partition(),
        _log_offset(),
        sa.Column("stream_key", sa.Text),
        sa.Column("event_id", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("record_key", sa.LargeBinary),
        sa.Column("record_value", sa.LargeBinary),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("parked_at", _MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Index("parked_events_stream", "view", "stream_key", "partition", "log_offset"),
        schema="control",
    )
