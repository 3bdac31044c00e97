"""What comparing views with the log came to, and what an order to compare one, or to redrive again, says."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was compared yet, as far as is known."""
    op.create_table(
        "verifications",
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("view", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("begun_by", sa.Text),
        sa.Column("job", sa.BigInteger),
        sa.Column("backend_pid", sa.Integer, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("recomputed", sa.Integer),
        sa.Column("position", sa.Text),
        sa.Column("rows", sa.BigInteger),
        sa.Column("differing", sa.BigInteger),
        sa.Column("keys", sa.JSON),
        schema="control",
    )
    op.create_index("verifications_of_view", "verifications", ["view", "number"], schema="control")
    again = sa.Column("again", sa.Boolean, nullable=False, server_default=sa.text("false"))
    op.add_column("operator_jobs", again, schema="control")
    op.add_column("operator_jobs", sa.Column("folded", sa.BigInteger), schema="control")
    op.add_column("operator_jobs", sa.Column("to_fold", sa.BigInteger), schema="control")


def downgrade() -> None:
    """Their record goes."""
    for column in ("to_fold", "folded", "again"):
        op.drop_column("operator_jobs", column, schema="control")
    op.drop_table("verifications", schema="control")
