"""What becomes of parked events that were given to their view again: gone where it took them, else kept, with why."""

from collections.abc import Mapping, Sequence

import asyncpg

from services.projections.engine.folding import BehindParkedError
from services.projections.engine.parking import storable


async def settle(
    connection: asyncpg.Connection,
    view: str,
    partition: int,
    taken: Sequence[int],
    failures: Mapping[int, Exception],
) -> None:
    """By offset: what was taken leaves the parked events and is counted, what failed stays and says the new error.

    To be called in the transaction that changed the rows. An event behind one that failed was not attempted.
    """
    if taken:
        await connection.execute(_REMOVE, view, partition, taken)
        await connection.execute(_COUNT, view, len(taken))
    if failures:
        await connection.execute(
            _KEEP,
            view,
            partition,
            list(failures),
            [type(error).__name__ for error in failures.values()],
            [storable(str(error)) for error in failures.values()],
            [0 if isinstance(error, BehindParkedError) else 1 for error in failures.values()],
        )


_REMOVE = """
delete from control.parked_events where view = $1 and partition = $2 and log_offset = any($3::bigint[])
"""

_COUNT = """
insert into control.redriven_events as before (view, events) values ($1, $2)
on conflict (view) do update set events = before.events + excluded.events
"""

_KEEP = """
update control.parked_events stands
set error = failed.error, detail = failed.detail, unanswered = 0, attempts = stands.attempts - 1 + failed.attempted
from unnest($3::bigint[], $4::text[], $5::text[], $6::integer[]) as failed (log_offset, error, detail, attempted)
where stands.view = $1 and stands.partition = $2 and stands.log_offset = failed.log_offset
"""
