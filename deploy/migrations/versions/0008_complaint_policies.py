"""Which complaint policies came into force, and from which events on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None came into force yet."""
    op.create_table(
        "complaint_policies",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("first_offsets", JSONB, nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="control",
    )


def downgrade() -> None:
    """Forgets them all; complaints cannot be read without."""
    op.drop_table("complaint_policies", schema="control")
