"""Where pauses are found in the histories that the database has. No cost grows with a history beyond 10,000 entries.

Each is to be asked in the transaction in which the complaint was read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.projections.complaints.pauses import TURNS, WAITING, Pause, Step, pauses_of
from services.projections.moments import microseconds_of
from services.projections.read_models.declaration import Row
from shared.events.complaint import ComplaintCustomerAwaited

MOST_LOOKED_AT = 10_000
"""Newest entries of a history that are looked at."""
MOST_TURNS = 2_000
"""Newest events of those that pauses and rounds lie between."""


async def recent_pauses(connection: Any, complaint_id: str, row: Row) -> list[Pause]:
    """The pauses of a complaint, in their order, as far as its newest events tell. Raises asyncpg's errors."""
    found = await connection.fetch(_TURNS, complaint_id, row["entries"], list(TURNS))
    steps = [Step(each["type"], each["state_after"], microseconds_of(each["time"])) for each in found]
    return pauses_of(steps, row["round"])


async def waiting_since(connection: Any, rows: Sequence[Row]) -> Mapping[str, datetime]:
    """Since when the customers of those complaints are asked that wait for them, by complaint id.

    One that has had more than 10,000 events since is left out. Raises asyncpg's errors.
    """
    waiting = [row for row in rows if row["state"] == WAITING]
    if not waiting:
        return {}
    ids, lengths = [row["complaint_id"] for row in waiting], [row["entries"] for row in waiting]
    found = await connection.fetch(_SINCE, ids, lengths, ComplaintCustomerAwaited.TYPE)
    return {each["complaint_id"]: each["since"] for each in found}


# An event counts for its own time; where it went back in time, for that of the latest one before it that did not (C9).
_TURNS = f"""
with looked_at as (
    select number, type, state_after,
        coalesce(max(time) filter (where not went_back) over (order by number), time) as time
    from live.complaint_entries
    where complaint_id = $1 and number > $2::integer - {MOST_LOOKED_AT} and anomaly is null
), turns as (
    select * from looked_at where type = any($3::text[]) order by number desc limit {MOST_TURNS}
)
select type, state_after, time from turns order by number
"""  # noqa: S608 - fixed numbers
_SINCE = f"""
select asked.complaint_id, since.time as since
from unnest($1::text[], $2::integer[]) as asked (complaint_id, entries)
cross join lateral (
    select number from live.complaint_entries entry
    where entry.complaint_id = asked.complaint_id and entry.number > asked.entries - {MOST_LOOKED_AT}
        and entry.type = $3 and entry.anomaly is null
    order by number desc limit 1
) begun
cross join lateral (
    select time from live.complaint_entries entry
    where entry.complaint_id = asked.complaint_id and entry.number > asked.entries - {MOST_LOOKED_AT}
        and entry.number <= begun.number and entry.anomaly is null and not entry.went_back
    order by number desc limit 1
) since
"""  # noqa: S608 - fixed numbers
