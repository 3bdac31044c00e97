"""Who read whose personal data."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An empty record, with an index for each way of asking it."""
    op.create_table(
        "access_records",
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("categories", ARRAY(sa.Text), nullable=False),
        sa.Column("call", sa.Text, nullable=False),
        schema="control",
    )
    for name, columns in (
        ("access_records_by_time", ["recorded_at", "number"]),
        ("access_records_by_subject", ["subject", "recorded_at", "number"]),
        ("access_records_by_reader", ["reader", "recorded_at", "number"]),
    ):
        op.create_index(name, "access_records", columns, schema="control")


def downgrade() -> None:
    """The record is lost."""
    op.drop_table("access_records", schema="control")
