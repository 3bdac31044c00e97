"""The receipts of erasures."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody was erased yet."""
    op.create_table(
        "erasures",
        sa.Column("request", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("parties", sa.Integer, nullable=False),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("keys_destroyed", sa.Integer, nullable=False),
        sa.Column("position", sa.Text, nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="control",
    )


def downgrade() -> None:
    """Forgets the receipts; what was erased stays so."""
    op.drop_table("erasures", schema="control")
