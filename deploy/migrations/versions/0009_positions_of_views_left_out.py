"""A view that was left out of the live set before a log was followed stands nowhere, not where the others do."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_VIEW = """
create or replace view control.view_positions as
select shown.view, live.partition, {position} as position
from control.generations shown
cross join control.positions live
left join control.generation_positions own
    on own.view = shown.view and own.generation = shown.generation and own.partition = live.partition
where shown.state in ('live', 'paused', 'outdated')
"""


def upgrade() -> None:
    """Only views of the live set take its positions."""
    position = "case when shown.state = 'live' then live.position else coalesce(own.position, 0) end"
    op.execute(_VIEW.format(position=position))


def downgrade() -> None:
    """As it was."""
    op.execute(_VIEW.format(position="coalesce(own.position, live.position)"))
