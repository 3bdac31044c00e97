"""Where attempts at an event are counted before they are made."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was attempted yet."""
    op.create_table(
        "attempts",
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("log_offset", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        schema="control",
    )


def downgrade() -> None:
    """Forgets how often what was attempted."""
    op.drop_table("attempts", schema="control")
