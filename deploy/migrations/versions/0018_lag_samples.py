"""How far views were behind, for all API processes alike."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has looked yet."""
    op.create_table(
        "lag_samples",
        sa.Column("slot", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("head", JSONB, nullable=False),
        sa.Column("log_error", sa.Text),
        sa.Column("views", JSONB, nullable=False),
        schema="control",
    )


def downgrade() -> None:
    """The API's processes have to be older ones again, which remember for themselves."""
    op.drop_table("lag_samples", schema="control")
