"""The embedded event log, empty, with the number of partitions it keeps for ever."""

import os

from alembic import context, op

from shared.log.embedded_tables import create_statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PARTITIONS_OF_SETTINGS = "12"


def upgrade() -> None:
    """Takes the number from `migrate`, or, run by Alembic's own command, from RAPPORT_PARTITIONS."""
    given = context.config.attributes.get("partitions")
    for statement in create_statements(
        int(given or os.environ.get("RAPPORT_PARTITIONS", _PARTITIONS_OF_SETTINGS))
    ):
        op.execute(statement)


def downgrade() -> None:
    """Deletes the log with every event in it."""
    op.execute("drop schema log cascade")
