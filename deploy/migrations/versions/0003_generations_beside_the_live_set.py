"""What generations outside the live set need: states, times, positions of their own, and the live set's revision."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_VIEW_POSITIONS = """
create view control.view_positions as
select shown.view, live.partition, coalesce(own.position, live.position) as position
from control.generations shown
cross join control.positions live
left join control.generation_positions own
    on own.view = shown.view and own.generation = shown.generation and own.partition = live.partition
where shown.state in ('live', 'paused', 'outdated')
"""
"""Where readers see each view: at the live set's positions, or at its own where it was left out."""


def upgrade() -> None:
    """Existing live generations stay live; when they were made and switched to is not known, so it is now."""
    now = sa.func.now()
    op.add_column(
        "generations",
        sa.Column("created_at", _MOMENT, nullable=False, server_default=now),
        schema="control",
    )
    op.add_column("generations", sa.Column("switched_at", _MOMENT), schema="control")
    op.execute("update control.generations set switched_at = now() where state = 'live'")
    op.drop_index("generations_live", table_name="generations", schema="control")
    op.create_index(
        "generations_shown",
        "generations",
        ["view"],
        unique=True,
        postgresql_where=sa.text("state in ('live', 'paused', 'outdated')"),
        schema="control",
    )
    op.create_table(
        "generation_positions",
        sa.Column("view", sa.Text, primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("target", sa.BigInteger, nullable=False),
        sa.Column("resumed_position", sa.BigInteger, nullable=False),
        sa.Column("resumed_at", _MOMENT, nullable=False, server_default=now),
        sa.Column("updated_at", _MOMENT, nullable=False, server_default=now),
        schema="control",
    )
    op.create_table(
        "live_set",
        sa.Column("only", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        schema="control",
    )
    op.execute('insert into control.live_set ("only", revision) values (1, 1)')
    op.execute(_VIEW_POSITIONS)


def downgrade() -> None:
    """Loses the positions of generations outside the live set; they can be rebuilt."""
    op.execute("drop view control.view_positions")
    op.drop_table("live_set", schema="control")
    op.drop_table("generation_positions", schema="control")
    op.drop_index("generations_shown", table_name="generations", schema="control")
    op.create_index(
        "generations_live",
        "generations",
        ["view"],
        unique=True,
        postgresql_where=sa.text("state = 'live'"),
        schema="control",
    )
    op.drop_column("generations", "switched_at", schema="control")
    op.drop_column("generations", "created_at", schema="control")
