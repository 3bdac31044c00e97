"""The data keys of subjects, wrapped by a master key; destroying one erases what it sealed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has a key yet."""
    op.create_table(
        "subject_keys",
        sa.Column("key_id", sa.LargeBinary, primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary),
        sa.Column("master_key_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("destroyed_at", sa.DateTime(timezone=True)),
        sa.Column("destruction", sa.BigInteger),
        schema="control",
    )
    op.create_index(
        "subject_keys_in_use",
        "subject_keys",
        ["subject"],
        unique=True,
        schema="control",
        postgresql_where=sa.text("wrapped_key is not null"),
    )
    op.create_index(
        "subject_keys_destroyed",
        "subject_keys",
        ["destruction", "key_id"],
        schema="control",
        postgresql_where=sa.text("destruction is not null"),
    )


def downgrade() -> None:
    """Destroys every key, and so all personal data."""
    op.drop_table("subject_keys", schema="control")
