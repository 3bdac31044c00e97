"""How the journal is searched for what happened under a stream key, or to a customer."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Reads the whole journal. Projecting waits meanwhile, about a second for a million events; readers do not."""
    op.create_index("journal_stream", "journal", ["stream_key"], schema="control")
    op.create_index(
        "journal_named_party",
        "journal",
        ["party_id"],
        schema="control",
        postgresql_where=sa.text("party_id <> stream_key"),
    )
    op.create_index(
        "journal_task_complaint",
        "journal",
        [sa.text("(data ->> 'complaint_id')")],
        schema="control",
        postgresql_where=sa.text("type = 'task.created' and party_id is null"),
    )


def downgrade() -> None:
    """The journal can still be read, but for histories only as a whole."""
    for index in ("journal_stream", "journal_named_party", "journal_task_complaint"):
        op.drop_index(index, table_name="journal", schema="control")
