"""Parked events that were discarded, attempts at redriving them, and how many views have taken since."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is parked waits, and nothing was redriven yet."""
    op.add_column(
        "parked_events",
        sa.Column("unanswered", sa.Integer, nullable=False, server_default=sa.text("0")),
        schema="control",
    )
    op.add_column("parked_events", sa.Column("discarded_at", sa.DateTime(timezone=True)), schema="control")
    op.add_column("parked_events", sa.Column("discarded_by", sa.Text), schema="control")
    op.add_column("parked_events", sa.Column("reason", sa.Text), schema="control")
    op.drop_index("parked_events_stream", table_name="parked_events", schema="control")
    op.create_index(
        "parked_events_waiting",
        "parked_events",
        ["view", "stream_key", "partition", "log_offset"],
        postgresql_where=sa.text("discarded_at is null"),
        schema="control",
    )
    op.create_table(
        "redriven_events",
        sa.Column("view", sa.Text, primary_key=True),
        sa.Column("events", sa.BigInteger, nullable=False),
        schema="control",
    )


def downgrade() -> None:
    """Discarded events go, so that they are not taken for parked ones; a rebuild takes them up again."""
    op.execute("delete from control.parked_events where discarded_at is not null")
    op.drop_table("redriven_events", schema="control")
    op.drop_index("parked_events_waiting", table_name="parked_events", schema="control")
    op.create_index(
        "parked_events_stream",
        "parked_events",
        ["view", "stream_key", "partition", "log_offset"],
        schema="control",
    )
    for column in ("reason", "discarded_by", "discarded_at", "unanswered"):
        op.drop_column("parked_events", column, schema="control")
