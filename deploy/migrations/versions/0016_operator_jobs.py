"""What operators order of the projections, and the index by which they find what an event caused."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No orders yet."""
    op.create_table(
        "operator_jobs",
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("view", sa.Text, nullable=False),
        sa.Column("stream_key", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("generation", sa.Integer),
        sa.Column("counted", sa.BigInteger),
        sa.Column("ordered_by", sa.Text, nullable=False),
        sa.Column("staff", sa.Text),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'waiting'")),
        sa.Column("taken_up", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("applied", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("failed", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("progressed_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text),
        schema="control",
    )
    op.create_index(
        "operator_jobs_open",
        "operator_jobs",
        ["view"],
        unique=True,
        schema="control",
        postgresql_where=sa.text("state in ('waiting', 'running')"),
    )

    op.create_index(
        "journal_cause",
        "journal",
        [sa.text("(attributes ->> 'causeid')")],
        schema="control",
        postgresql_where=sa.text("(attributes ->> 'causeid') is not null"),
    )


def downgrade() -> None:
    """Their record goes."""
    op.drop_index("journal_cause", "journal", schema="control")
    op.drop_table("operator_jobs", schema="control")
