"""The fold of complaints: one event and the rows it needs in, changed rows and an entry out."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from services.projections.complaints import clocks
from services.projections.complaints.case import Case
from services.projections.complaints.entries import entry
from services.projections.complaints.policy_history import PolicyHistory
from services.projections.complaints.states import LEVELS, ComplaintEvent
from services.projections.complaints.tables import COMPLAINTS
from services.projections.early_events import (
    MOST_EARLY,
    Occurrence,
    by_type,
    kept,
    occurrence_of,
    recalled,
    row_number,
    row_numbers,
)
from services.projections.read_models.declaration import Evolved, Key, Needs, Row
from shared.envelope import RecordedEvent
from shared.events.complaint import ComplaintOpened

TOO_MANY_EARLY = "too_many_before_opened"

Evolve = Callable[[Mapping[Key, Row | None], RecordedEvent[Any]], Evolved | Needs]

_EMPTY: Row = dict.fromkeys(column.name for column in COMPLAINTS.columns if not column.primary_key)
_CLASSES = by_type(get_args(ComplaintEvent))


def keys(event: RecordedEvent[Any]) -> tuple[Key, ...]:
    """The row of the case."""
    return ((event.data.complaint_id, 0),)


def evolve(history: PolicyHistory) -> Evolve:
    """The fold by the policies that came into force."""

    def evolved(rows: Mapping[Key, Row | None], event: RecordedEvent[Any]) -> Evolved | Needs:
        key = (event.data.complaint_id, 0)
        row = rows[key]
        if row is not None and row["state"] is not None:
            case = Case(row, history.version(row["policy_version"]).calendars[row["calendar"]])
            found = case.apply(occurrence_of(event))
            return Evolved({key: case.row()}, (found,))
        early = 0 if row is None else row["early"]
        if isinstance(event.data, ComplaintOpened):
            return _opened(history, rows, event, early)
        return _waits(rows, occurrence_of(event), early)

    return evolved


def _waits(rows: Mapping[Key, Row | None], occurrence: Occurrence, early: int) -> Evolved | Needs:
    complaint_id = occurrence.data.complaint_id
    head = {**_EMPTY, "early": early + 1}
    if early >= MOST_EARLY:
        # Its number is the one it would have had, so that it never meets another.
        refused = entry(
            early + 2, occurrence, state=None, level=None, anomaly=TOO_MANY_EARLY, went_back=False
        )
        return Evolved({(complaint_id, 0): head}, (refused,))
    key = (complaint_id, row_number(early))
    if key not in rows:
        return Needs((key,))
    row = rows[key]
    waiting = [*(row["waiting"] if row else ()), kept(occurrence)]
    return Evolved({(complaint_id, 0): head, key: {**_EMPTY, "waiting": waiting}})


def _opened(
    history: PolicyHistory,
    rows: Mapping[Key, Row | None],
    event: RecordedEvent[ComplaintOpened],
    early: int,
) -> Evolved | Needs:
    complaint_id = event.data.complaint_id
    waiting_keys = [(complaint_id, number) for number in row_numbers(early)]
    if lacking := [key for key in waiting_keys if key not in rows]:
        return Needs(lacking)
    occurrence = occurrence_of(event)
    row = _new(history, event, occurrence)
    case = Case(row, history.version(row["policy_version"]).calendars[row["calendar"]])
    entries = [entry(1, occurrence, state=row["state"], level=row["level"], anomaly=None, went_back=False)]
    for key in waiting_keys:
        waiting = rows[key]
        for item in waiting["waiting"] if waiting else ():
            entries.append(case.apply(recalled(item, event.partition, _CLASSES)))  # noqa: PERF401 - in turn
    after = case.row()
    refused = max(0, early - MOST_EARLY)
    gone: dict[Key, Row | None] = dict.fromkeys(waiting_keys)
    opened = {**after, "entries": after["entries"] + refused}
    return Evolved({**gone, (complaint_id, 0): opened}, entries)


def _new(history: PolicyHistory, event: RecordedEvent[ComplaintOpened], occurrence: Occurrence) -> Row:
    data = event.data
    policies = history.at(event.partition, event.offset)
    policy = policies.policy_for(data.location)
    targets = policy.targets[data.severity]
    started = clocks.opening_clocks(targets, policy.calendar, occurrence.time)
    return {
        **_EMPTY,
        "state": "open",
        "level": LEVELS[0],
        "severity": data.severity,
        "cause": data.cause,
        "channel": event.channel,
        "location": data.location,
        "party_id": event.party_id,
        "order_id": data.order_id,
        "claim": None
        if data.claim is None
        else {"amount": data.claim.amount, "currency": data.claim.currency},
        "caused_by": occurrence.cause_id,
        "opened_at": event.time,
        "opened_partition": event.partition,
        "opened_offset": event.offset,
        "policy_version": policies.version,
        "policy": policy.name,
        "calendar": policy.calendar.name,
        "round": 1,
        "reopened": 0,
        "clocks": [clocks.stored(each) for each in started],
        "working_seconds": 0,
        "compensation": [],
        "entries": 1,
        "latest": event.time,
    }
