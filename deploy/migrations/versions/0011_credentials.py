"""The keys of senders and readers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No key yet: a service is open to its own machine and closed to all others until one is made."""
    op.create_table(
        "credentials",
        sa.Column("credential_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("source_prefixes", ARRAY(sa.Text), nullable=False),
        sa.Column("channel", sa.Text),
        sa.Column("phone_region", sa.Text),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("purposes", ARRAY(sa.Text)),
        sa.Column("requests_per_minute", sa.Integer),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        schema="control",
    )


def downgrade() -> None:
    """Every key is lost, and new ones have to be handed out after the next upgrade."""
    op.drop_table("credentials", schema="control")
