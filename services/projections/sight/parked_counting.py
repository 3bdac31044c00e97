"""How much a redrive would take up: what is counted before it is ordered."""

from typing import Final, NamedTuple

import asyncpg

from services.projections.control import EVERY_VIEW

MOST_UNANSWERED: Final = 2
"""An event whose redrive was begun and never ended so often, as it ended the process, is left out of further ones."""


class Counted(NamedTuple):
    """Parked events that are taken up, and the stream keys that they are of.

    `left_out` would be chosen too, and are not taken up: they ended the process twice, or wait behind such a one.
    """

    events: int
    keys: int
    left_out: int


async def count_redrivable(
    connection: asyncpg.Connection,
    view: str,
    stream_key: str | None,
    error: str | None,
    *,
    again: bool = False,
) -> Counted:
    """What a redrive of this view, key and error takes up now; `again`, nothing is left out.

    An error is that of a key's first parked event, which takes those behind it along; of records that no view could
    read it is each one's own. Time grows with what the view has parked. Raises asyncpg's errors.
    """
    statement = _UNDECODED if view == EVERY_VIEW else _OF_VIEW
    [row] = await connection.fetch(statement, view, stream_key, error, again, MOST_UNANSWERED)
    return Counted(*row)


_OF_VIEW = """
with waiting as (
    select stream_key, first_value(error) over each_key as head,
        not $4 and bool_or(unanswered >= $5) over each_key as left_out
    from control.parked_events
    where view = $1 and discarded_at is null and ($2::text is null or stream_key = $2)
    window each_key as (partition by partition, stream_key order by log_offset)
)
select count(*) filter (where not left_out) as events,
    count(distinct stream_key) filter (where not left_out) as keys,
    count(*) filter (where left_out) as left_out
from waiting where $3::text is null or head = $3
"""
"""A window in the order of offsets reaches up to its row, so an event left out takes those behind it along."""

_UNDECODED = """
with waiting as (
    select coalesce(stream_key, partition || ':' || log_offset) as key, not $4 and unanswered >= $5 as left_out
    from control.parked_events
    where view = $1 and discarded_at is null and ($2::text is null or stream_key = $2)
        and ($3::text is null or error = $3)
)
select count(*) filter (where not left_out) as events,
    count(distinct key) filter (where not left_out) as keys,
    count(*) filter (where left_out) as left_out
from waiting
"""
