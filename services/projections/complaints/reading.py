"""What a complaint shows at a time, from its row, its history, and the calendar it was opened with.

Rows are those of complaints that were opened, part 0. They show the present: the past is shown by folding the events
until then. A time before the case's latest event is taken for that event's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.projections.complaints import clocks
from services.projections.complaints.case import ALREADY_OPENED, LEVEL_WOULD_FALL
from services.projections.complaints.clocks import PAUSING_CLOCK, Clock
from services.projections.complaints.pauses import WAITING, Pause
from services.projections.complaints.policy_history import PolicyHistory
from services.projections.complaints.working_calendar import WorkingCalendar
from services.projections.complaints.working_time import working_time_between
from services.projections.early_events import TOO_MANY_EARLY
from services.projections.moments import microseconds_of, text_of
from services.projections.read_models.declaration import Row

TIME_WENT_BACK = "time_went_back"
"""The anomaly of an event that applies, but is earlier than one before it (C9)."""

MOST_PAUSES = 100
"""Of a clock, the newest; how many came before them is told."""

_SECOND = 1_000_000
_ORDER = ("first_response", "resolution", "final_response", "summary_resolution")
_SHOWN = (
    "state",
    "cause",
    "severity",
    "level",
    "channel",
    "location",
    "party_id",
    "order_id",
    "claim",
    "caused_by",
    "policy_version",
    "policy",
    "round",
    "reopened",
    "resolution",
    "handling_fault",
    "on_time",
    "compensation",
)


def is_overdue(row: Row, at: datetime) -> bool:
    """Whether some clock of a case is past due and has not ended."""
    return row["next_due_at"] is not None and row["next_due_at"] < at


def listed_complaint(
    complaint_id: str,
    row: Row,
    policies: PolicyHistory,
    at: datetime,
    *,
    customer_id: str | None = None,
    waiting_since: datetime | None = None,
) -> dict[str, Any]:
    """A case as lists show it, with the clocks of its present round.

    `waiting_since` is when the customer was asked, where the case waits for them. Raises `LookupError` for an unknown
    version of policies.
    """
    calendar, time = _judged(row, policies, at)
    since = None if waiting_since is None else microseconds_of(waiting_since)
    return {
        "complaint_id": complaint_id,
        "customer_id": customer_id,
        **_fields(row),
        "clocks": [
            {**_clock(each, calendar, time), "open_pause": _open_pause(each, since, calendar, time)}
            for each in _in_order(row["clocks"])
        ],
    }


def complaint_view(
    complaint_id: str,
    row: Row,
    entries: Sequence[Row],
    policies: PolicyHistory,
    at: datetime,
    *,
    pauses: Sequence[Pause],
    customer_id: str | None = None,
    granted: Iterable[Row] = (),
) -> dict[str, Any]:
    """A case as it is shown alone: with the clocks of all rounds and their pauses, its history, and the points granted.

    `entries` are all of its history, by number, and `pauses` what that has of them; `granted` are rows of
    `granted_points`. Raises `LookupError` for a version of policies that was never registered.
    """
    calendar, time = _judged(row, policies, at)
    present = {(each["name"], each["round"]): each for each in row["clocks"]}
    earlier = {(each["name"], each["round"]): each for entry in entries for each in entry["ended_clocks"]}
    of_all_rounds = list({**earlier, **present}.values())
    return {
        "complaint_id": complaint_id,
        "customer_id": customer_id,
        **_fields(row),
        "clocks": [_with_pauses(each, pauses, calendar, time) for each in _in_order(of_all_rounds)],
        "history": [history_item(each) for each in entries],
        "anomalies": [anomaly for each in entries for anomaly in anomalies_of(each)],
        "granted_points": [_granted(each) for each in granted],
    }


def history_item(entry: Row) -> dict[str, Any]:
    """An entry of a history as it is shown."""
    return {
        "event_id": entry["event_id"],
        "source": entry["source"],
        "type": entry["type"],
        "time": _text(entry["time"]),
        "state_after": entry["state_after"],
        "level_after": entry["level_after"],
        "anomaly": entry["anomaly"] or (TIME_WENT_BACK if entry["went_back"] else None),
        "applied": entry["anomaly"] is None,
        "staff": entry["staff"],
        **entry["facts"],
    }


def _fields(row: Row) -> dict[str, Any]:
    assignee = {"person": row["assignee_person"], "department": row["assignee_department"]}
    return {
        **{name: row[name] for name in _SHOWN},
        "assignee": assignee if any(assignee.values()) else None,
        "opened_at": _text(row["opened_at"]),
        "resolved_at": _text(row["resolved_at"]),
        "next_due_at": _text(row["next_due_at"]),
    }


def _judged(row: Row, policies: PolicyHistory, at: datetime) -> tuple[WorkingCalendar, int]:
    """The calendar of a case, and the time that it is shown at."""
    calendar = policies.version(row["policy_version"]).calendars[row["calendar"]]
    return calendar, microseconds_of(max(at, row["latest"]))


def _in_order(stored: Iterable[Mapping[str, Any]]) -> list[Clock]:
    found = [clocks.read_back(each) for each in stored]
    return sorted(found, key=lambda clock: (_ORDER.index(clock.name), clock.round))


def _with_pauses(
    clock: Clock, pauses: Sequence[Pause], calendar: WorkingCalendar, time: int
) -> dict[str, Any]:
    own = [each for each in pauses if clock.name == PAUSING_CLOCK and each.round == clock.round]
    shown = own[-MOST_PAUSES:]
    since = own[-1].start if own and own[-1].end is None else None
    return {
        **_clock(clock, calendar, time),
        "open_pause": _open_pause(clock, since, calendar, time),
        "pauses": [_pause(each.start, each.end, calendar, time) for each in shown],
        "pauses_left_out": len(own) - len(shown),
    }


def _open_pause(
    clock: Clock, since: int | None, calendar: WorkingCalendar, time: int
) -> dict[str, Any] | None:
    """The pause that a clock is in; without its start where that is not known any more."""
    goes_on = clock.name == PAUSING_CLOCK and clock.ended is None and clock.since is None
    return _pause(since, None, calendar, time) if goes_on else None


def _pause(start: int | None, end: int | None, calendar: WorkingCalendar, time: int) -> dict[str, Any]:
    until = time if end is None else end
    return {
        "started_at": None if start is None else text_of(start),
        "ended_at": None if end is None else text_of(end),
        "reason": WAITING,
        "working_seconds": None if start is None else working_time_between(calendar, start, until) // _SECOND,
    }


def _clock(clock: Clock, calendar: WorkingCalendar, time: int) -> dict[str, Any]:
    return {
        "name": clock.name,
        "round": clock.round,
        "target_seconds": clock.target,
        "elapsed_seconds": clocks.elapsed(clock, calendar, time) // _SECOND,
        "started_at": text_of(clock.started),
        "due_at": None if clock.due is None else text_of(clock.due),
        "ended_at": None if clock.ended is None else text_of(clock.ended),
        "status": clocks.status(clock, calendar, time),
        "escalated": clock.escalated,
    }


def anomalies_of(entry: Row) -> list[dict[str, Any]]:
    """What was not as it should be about the event of an entry, each with its code and a sentence."""
    codes = [entry["anomaly"]] if entry["anomaly"] else []
    if entry["went_back"]:
        codes.append(TIME_WENT_BACK)
    return [
        {
            "event_id": entry["event_id"],
            "source": entry["source"],
            "code": code,
            "detail": _detail(code, entry),
        }
        for code in codes
    ]


def _detail(code: str, entry: Row) -> str:
    what = entry["type"].partition(".")[2].replace("_", " ")
    said = {
        ALREADY_OPENED: "the complaint had been opened before; this opening changed nothing",
        LEVEL_WOULD_FALL: f"the complaint stands at level {entry['level_after']} and falls to no lower one",
        TOO_MANY_EARLY: "too many events came before the complaint was opened; this one changed nothing",
        TIME_WENT_BACK: "earlier than an event before it; counted as at the time of that one",
    }
    state = str(entry["state_after"]).replace("_", " ")
    return said.get(code, f"{what} is not allowed for a complaint that is {state}; it changed nothing")


def _granted(row: Row) -> dict[str, Any]:
    return {
        "event_id": row["event_id"],
        "source": row["source"],
        "time": _text(row["time"]),
        "account_id": row["account_id"],
        "points": row["points"],
    }


def _text(time: datetime | None) -> str | None:
    return None if time is None else text_of(microseconds_of(time))
