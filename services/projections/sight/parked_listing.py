"""What is parked, for people to look at: in groups, event by event, and one event in full."""

from datetime import datetime
from typing import NamedTuple

import asyncpg

_MOST_GROUPS = 200


class Filter(NamedTuple):
    """Which parked events: of one view, stream key or error, None for any; waiting ones, or discarded ones."""

    view: str | None = None
    key: str | None = None
    error: str | None = None
    discarded: bool = False


class Group(NamedTuple):
    """The parked events of one view with one error."""

    view: str
    error: str
    keys: int
    events: int
    oldest: datetime


class Place(NamedTuple):
    """Where a parked event stands; also where a page ended, for the next to go on from."""

    view: str
    partition: int
    offset: int


class ParkedEvent(NamedTuple):
    """A parked event without its record."""

    place: Place
    stream_key: str | None
    event_id: str | None
    source: str | None
    error: str
    detail: str
    attempts: int
    unanswered: int
    parked_at: datetime
    discarded_at: datetime | None
    discarded_by: str | None
    reason: str | None


class ParkedRecord(NamedTuple):
    """A parked event with the log's own bytes."""

    event: ParkedEvent
    key: bytes | None
    value: bytes | None


class Page(NamedTuple):
    """The groups, up to 200, and a page of events, with where to go on where there is more."""

    groups: list[Group]
    events: list[ParkedEvent]
    next: Place | None


async def parked_page(
    connection: asyncpg.Connection, wanted: Filter, limit: int, after: Place | None = None
) -> Page:
    """Groups, and at most `limit` events in the order of view, partition and offset. Raises asyncpg's errors."""
    groups = [Group(*row) for row in await connection.fetch(_GROUPS, *wanted, _MOST_GROUPS)]
    place = after or Place("", -1, -1)
    rows = await connection.fetch(_PAGE, *wanted, *place, limit + 1)
    events = [_event(row) for row in rows[:limit]]
    return Page(groups, events, events[-1].place if len(rows) > limit else None)


async def parked_records(
    connection: asyncpg.Connection, place: Place | None, event_id: str | None, limit: int
) -> list[ParkedRecord]:
    """What is parked, waiting or discarded, at a place or with an event id, which several views may have parked."""
    rows = await connection.fetch(_RECORDS, *(place or (None, None, None)), event_id, limit)
    return [ParkedRecord(_event(row), row["record_key"], row["record_value"]) for row in rows]


def _event(row: asyncpg.Record) -> ParkedEvent:
    place = Place(row["view"], row["partition"], row["log_offset"])
    return ParkedEvent(place, *(row[name] for name in ParkedEvent._fields[1:]))


_COLUMNS = """view, partition, log_offset, stream_key, event_id, source, error, detail, attempts, unanswered, parked_at,
    discarded_at, discarded_by, reason"""

_WANTED = """
($1::text is null or view = $1) and ($2::text is null or stream_key = $2) and ($3::text is null or error = $3)
    and (discarded_at is not null) = $4
"""

_GROUPS = f"""
select view, error, count(distinct coalesce(stream_key, partition || ':' || log_offset)), count(*), min(parked_at)
from control.parked_events where {_WANTED}
group by view, error order by view, error limit $5
"""  # noqa: S608 - constants

_PAGE = f"""
select {_COLUMNS} from control.parked_events
where {_WANTED} and (view, partition, log_offset) > ($5::text, $6::integer, $7::bigint)
order by view, partition, log_offset limit $8
"""  # noqa: S608

_RECORDS = f"""
select {_COLUMNS}, record_key, record_value from control.parked_events
where ($1::text is null or (view = $1 and partition = $2::integer and log_offset = $3::bigint))
    and ($4::text is null or event_id = $4)
order by view, partition, log_offset limit $5
"""  # noqa: S608
