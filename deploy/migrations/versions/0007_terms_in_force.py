"""What loyalty programmes have promised, so that no file can take it back."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing has been promised yet."""
    op.create_table(
        "terms_in_force",
        sa.Column("programme", sa.Text, primary_key=True),
        sa.Column("effective_from", sa.Date, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("until", sa.Date, nullable=False),
        schema="control",
    )


def downgrade() -> None:
    """Forgets what was promised."""
    op.drop_table("terms_in_force", schema="control")
