"""How much a redrive would take up: what is counted before it is ordered."""

from typing import NamedTuple

import asyncpg

from services.projections.control import EVERY_VIEW


class Counted(NamedTuple):
    """Parked events that wait, and the stream keys that they are of."""

    events: int
    keys: int


async def count_redrivable(
    connection: asyncpg.Connection, view: str, stream_key: str | None, error: str | None
) -> Counted:
    """What a redrive of this view, key and error takes up now.

    An error is that of a key's first parked event, which takes those behind it along; of records that no view could
    read it is each one's own. Time grows with what the view has parked. Raises asyncpg's errors.
    """
    statement = _UNDECODED if view == EVERY_VIEW else _OF_VIEW
    [row] = await connection.fetch(statement, view, stream_key, error)
    return Counted(row["events"], row["keys"])


_OF_VIEW = """
with waiting as (
    select first_value(error) over (partition by partition, stream_key order by log_offset) as head, stream_key
    from control.parked_events
    where view = $1 and discarded_at is null and ($2::text is null or stream_key = $2)
)
select count(*) as events, count(distinct stream_key) as keys from waiting where $3::text is null or head = $3
"""

_UNDECODED = """
select count(*) as events, count(distinct coalesce(stream_key, partition || ':' || log_offset)) as keys
from control.parked_events
where view = $1 and discarded_at is null and ($2::text is null or stream_key = $2) and ($3::text is null or error = $3)
"""
