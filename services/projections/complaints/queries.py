"""What readers ask of one complaint: the case at any time, and its history page by page.

Each is to be asked in a repeatable-read transaction of the caller's, in which the position is read as well.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import json

from services.projections.complaints.case_reads import CaseReads
from services.projections.complaints.past_case import past_case
from services.projections.complaints.pause_queries import MOST_LOOKED_AT, recent_pauses
from services.projections.complaints.pauses import Pause, pauses_of, steps_of
from services.projections.complaints.reading import complaint_view, history_item
from services.projections.complaints.stored_cases import CASE_COLUMNS, ENTRY_COLUMNS, case_row, entry_row
from services.projections.moments import microseconds_of, text_of
from services.projections.personal_parts import PersonalPart, personal_part
from services.projections.read_models.declaration import Row
from shared.events.complaint import ComplaintOpened
from shared.identifiers import customer_id_of
from shared.position import Position

VIEWS = ("complaints", "granted_points")
"""What an answer about one complaint is read from."""
MOST_HISTORY = 200
MOST_ANOMALIES = 50
MOST_ENDED = 200
"""Of events that ended clocks: as many show the clocks of earlier rounds."""
MOST_GRANTS = 100
_TEXTS = ("summary", "description", "desired_outcome")


class Asked(NamedTuple):
    """A complaint at a time; None for now, which is `now`."""

    complaint_id: str
    now: datetime
    as_of: datetime | None


class HistoryPage(NamedTuple):
    """Entries of a history, and the number of the last where more follow."""

    items: list[dict[str, Any]]
    next: int | None


class ComplaintAt(NamedTuple):
    """A complaint at a time, without what the customer said, which is apart: None where they said nothing."""

    view: dict[str, Any]
    said: PersonalPart | None


async def complaint_at(
    reads: CaseReads, connection: Any, asked: Asked, position: Position
) -> ComplaintAt | None:
    """The complaint at a time, with the newest part of its history; None where it was not open by then.

    Cost does not grow with a history beyond 10,000 entries; at a time before one of its events it grows with the events
    until then. `position` is that of the snapshot. Raises `HistoryTooLargeError` and asyncpg's errors.
    """
    complaint_id, now, as_of = asked
    row = await _stored(connection, complaint_id)
    if row is None:
        return None
    if as_of is None or not await connection.fetchval(_GOES_ON, complaint_id, as_of):
        entries = [entry_row(each) for each in await connection.fetch(_NEWEST, complaint_id, row["entries"])]
        pauses = await recent_pauses(connection, complaint_id, row)
        at = as_of or max(now, row["latest"])
    else:
        past = await past_case(connection, reads, complaint_id, as_of, position)
        if past is None:
            return None
        row, entries = past
        pauses = pauses_of(steps_of(entries), row["round"])
        at = as_of
    case = _Case(complaint_id, row, entries, pauses)
    return await _view(reads, connection, case, at, is_past=as_of is not None)


async def history_page(
    connection: Any, complaint_id: str, *, after: int | None, limit: int, ascending: bool
) -> HistoryPage | None:
    """Entries of a complaint's history beyond a number, nearest first; None where it was not opened.

    Cost grows with the page. Raises asyncpg's errors.
    """
    if await _stored(connection, complaint_id) is None:
        return None
    statement = _HISTORY.format(*((">", "asc") if ascending else ("<", "desc")))
    place = (0 if ascending else _BEYOND_ALL) if after is None else after
    found = await connection.fetch(statement, complaint_id, place, limit + 1)
    items = [history_item(entry_row(each)) for each in found[:limit]]
    return HistoryPage(items, found[limit - 1]["number"] if len(found) > limit else None)


async def events_waiting(connection: Any, complaint_id: str) -> int:
    """How many events of a complaint wait for its opening. Raises asyncpg's errors."""
    return await connection.fetchval(_WAITING, complaint_id) or 0


async def _stored(connection: Any, complaint_id: str) -> Row | None:
    found = await connection.fetchrow(_CASE, complaint_id)
    return None if found is None else case_row(found)


class _Case(NamedTuple):
    complaint_id: str
    row: Row
    entries: Sequence[Row]
    pauses: Sequence[Pause]


async def _view(
    reads: CaseReads,
    connection: Any,
    case: _Case,
    at: datetime,
    *,
    is_past: bool,
) -> ComplaintAt:
    complaint_id, row, entries, pauses = case
    granted = await connection.fetch(_GRANTED, complaint_id, at if is_past else None, MOST_GRANTS)
    policies = reads.policies
    try:
        policies.history.version(row["policy_version"])
    except LookupError:  # opened under policies that came into force since they were last read
        await policies.refresh(connection)
    view = complaint_view(
        complaint_id,
        row,
        entries,
        policies.history,
        at,
        pauses=pauses,
        customer_id=customer_id_of(row["party_id"]),
        granted=reversed(granted),
    )
    found = await connection.fetchrow(_OPENING, row["opened_partition"], row["opened_offset"])
    opening = {} if found is None else json.decode(found["data"])
    said = None
    if found is not None:
        said = personal_part(opening, ComplaintOpened, found["subject"], found["event_id"])
    shown = {
        **view,
        "as_of": text_of(microseconds_of(at)),
        **{name: opening.get(name) for name in _TEXTS},
        "history": view["history"][-MOST_HISTORY:],
        "history_count": row["entries"],
        "anomalies": view["anomalies"][-MOST_ANOMALIES:],
    }
    return ComplaintAt(shown, said)


_BEYOND_ALL = 2**31 - 1

_CASE = f"""
select {", ".join(CASE_COLUMNS)} from live.complaints where complaint_id = $1 and part = 0 and state is not null
"""  # noqa: S608 - names of columns
_WAITING = "select early from live.complaints where complaint_id = $1 and part = 0 and state is null"
_GOES_ON = (
    "select exists (select from live.complaint_entries where complaint_id = $1 and time > $2::timestamptz)"
)
_NEWEST = f"""
with looked_at as (
    select {", ".join(ENTRY_COLUMNS)} from live.complaint_entries
    where complaint_id = $1 and number > $2::integer - {MOST_LOOKED_AT}
)
select * from looked_at
where number > $2::integer - {MOST_HISTORY}
    or number in (
        select number from looked_at where anomaly is not null or went_back
        order by number desc limit {MOST_ANOMALIES}
    )
    or number in (
        select number from looked_at where ended_clocks <> '[]' order by number desc limit {MOST_ENDED}
    )
order by number
"""  # noqa: S608 - names of columns and numbers
_HISTORY = f"""
select {", ".join(ENTRY_COLUMNS)} from live.complaint_entries
where complaint_id = $1 and number {{0}} $2::integer order by number {{1}} limit $3::bigint
"""  # noqa: S608 - names of columns
_GRANTED = """
select event_id, source, time, account_id, points from live.granted_points
where cause_id = $1 and ($2::timestamptz is null or time <= $2)
order by time desc, partition desc, log_offset desc limit $3::bigint
"""
_OPENING = """
select data, event_id, coalesce(party_id, stream_key) as subject from control.journal
where partition = $1 and log_offset = $2
"""
