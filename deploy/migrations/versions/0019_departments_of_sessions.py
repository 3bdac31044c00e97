"""Which department somebody at the console works in, so that its tasks are one press away."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of those who are signed in, nobody said."""
    op.add_column("console_sessions", sa.Column("department", sa.Text), schema="control")


def downgrade() -> None:
    """What people said of theirs is forgotten; they stay signed in."""
    op.drop_column("console_sessions", "department", schema="control")
