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
    TOO_MANY_EARLY,
    Occurrence,
    by_type,
    is_full,
    occurrence_of,
    refused,
    waiting_in,
    waiting_keys,
    with_waiting,
)
from services.projections.read_models.declaration import Evolved, Key, Needs, Row
from shared.envelope import RecordedEvent
from shared.events.complaint import ComplaintOpened

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
    if is_full(early):
        # The opening will be entry 1, and each early event has the number it would have had by waiting.
        found = entry(early + 2, occurrence, state=None, level=None, anomaly=TOO_MANY_EARLY, went_back=False)
        return Evolved({(complaint_id, 0): {**_EMPTY, "early": early + 1}}, (found,))
    changed = with_waiting(rows, complaint_id, occurrence, early, _EMPTY)
    return changed if isinstance(changed, Needs) else Evolved(changed)


def _opened(
    history: PolicyHistory,
    rows: Mapping[Key, Row | None],
    event: RecordedEvent[ComplaintOpened],
    early: int,
) -> Evolved | Needs:
    complaint_id = event.data.complaint_id
    waiting = waiting_keys(complaint_id, early)
    if lacking := [key for key in waiting if key not in rows]:
        return Needs(lacking)
    occurrence = occurrence_of(event)
    row = _new(history, event, occurrence)
    case = Case(row, history.version(row["policy_version"]).calendars[row["calendar"]])
    entries = [entry(1, occurrence, state=row["state"], level=row["level"], anomaly=None, went_back=False)]
    entries += map(case.apply, waiting_in(rows, waiting, event.partition, _CLASSES))
    after = case.row()
    gone: dict[Key, Row | None] = dict.fromkeys(waiting)
    opened = {**after, "entries": after["entries"] + refused(early)}
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
