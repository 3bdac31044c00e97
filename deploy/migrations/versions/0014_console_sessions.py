"""Who is signed in to the console."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody yet."""
    op.create_table(
        "console_sessions",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("bearer", sa.Text, nullable=False),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("purposes", ARRAY(sa.Text)),
        sa.Column("staff", sa.Text),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        schema="control",
    )
    op.create_index("console_sessions_by_end", "console_sessions", ["ends_at"], schema="control")


def downgrade() -> None:
    """Everybody is signed out."""
    op.drop_table("console_sessions", schema="control")
