"""A complaint while events apply to it: its state, level and clocks, and what each event leaves in its history."""

from typing import Any, assert_never

from services.projections.complaints import clocks
from services.projections.complaints.clocks import PAUSING_CLOCK, Clock, ClockName
from services.projections.complaints.compensation import given, with_more
from services.projections.complaints.entries import entry
from services.projections.complaints.escalation_id import is_escalation_of
from services.projections.complaints.states import (
    ComplaintEvent,
    higher,
    level_above,
    state_after,
)
from services.projections.complaints.working_calendar import WorkingCalendar
from services.projections.early_events import Occurrence
from services.projections.moments import datetime_of, microseconds_of
from services.projections.read_models.declaration import Row
from shared.events.complaint import (
    ComplaintAccepted,
    ComplaintAcknowledged,
    ComplaintAssigned,
    ComplaintClosed,
    ComplaintCompensated,
    ComplaintCustomerAwaited,
    ComplaintCustomerReplied,
    ComplaintEscalated,
    ComplaintNoteAdded,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintStarted,
    ComplaintWithdrawn,
)

ALREADY_OPENED = "already_opened"
LEVEL_WOULD_FALL = "level_would_fall"
NOT_ALLOWED = "not_allowed_in_"
"""With a state after it: an event that is not allowed in that state."""

_SECOND = 1_000_000


class Case:
    """One complaint. It is made from a row, which stays as it is, and answers the next one.

    Time never runs back in it: an event earlier than one before it counts for the time of that one (C9).
    """

    def __init__(self, row: Row, calendar: WorkingCalendar) -> None:
        self._row: dict[str, Any] = dict(row)
        self._calendar = calendar
        self._clocks = [clocks.read_back(each) for each in row["clocks"]]
        self._latest = microseconds_of(row["latest"])
        self._ended: list[Clock] = []

    def row(self) -> Row:
        """The case as it is now."""
        breaking = [each for each in self._clocks if each.breaks_at is not None]
        to_escalate = [each for each in breaking if not each.escalated]
        return {
            **self._row,
            "clocks": [clocks.stored(each) for each in self._clocks],
            "latest": datetime_of(self._latest),
            "next_due_at": _first(breaking),
            "next_escalation_at": _first(to_escalate) if level_above(self._row["level"]) else None,
        }

    def apply(self, occurrence: Occurrence) -> Row:
        """Changes the case by an event, unless that is an anomaly, and answers the event's entry."""
        data: ComplaintEvent = occurrence.data
        anomaly = self._anomaly(data)
        went_back = occurrence.time < self._latest
        self._ended = []
        if anomaly is None:
            self._latest = max(self._latest, occurrence.time)
            self._change(data, occurrence)
            self._row["state"] = state_after(self._row["state"], data)
        self._row["entries"] += 1
        return entry(
            self._row["entries"],
            occurrence,
            state=self._row["state"],
            level=self._row["level"],
            anomaly=anomaly,
            went_back=went_back,
            ended=self._ended,
        )

    def _anomaly(self, data: ComplaintEvent) -> str | None:
        if isinstance(data, ComplaintOpened):
            return ALREADY_OPENED
        if state_after(self._row["state"], data) is None:
            return f"{NOT_ALLOWED}{self._row['state']}"
        if (
            isinstance(data, ComplaintEscalated)
            and higher(self._row["level"], data.to_level) != data.to_level
        ):
            return LEVEL_WOULD_FALL
        return None

    def _change(self, data: ComplaintEvent, occurrence: Occurrence) -> None:  # noqa: C901 - a branch for each type
        match data:
            case ComplaintAcknowledged() | ComplaintStarted():
                self._end("first_response")
            case ComplaintCustomerAwaited():
                self._pause()
            case ComplaintCustomerReplied():
                if self._row["state"] == "waiting_for_customer":
                    self._resume()
            case ComplaintAssigned():
                self._row["assignee_person"] = data.assignee.person
                self._row["assignee_department"] = data.assignee.department
                self._row["level"] = higher(self._row["level"], data.level)
            case ComplaintEscalated():
                self._escalate(data, occurrence)
            case ComplaintResolved():
                self._resolve(data)
            case ComplaintCompensated():
                self._row["compensation"] = with_more(self._row["compensation"], given(data))
            case ComplaintReopened():
                self._reopen()
            case ComplaintWithdrawn():
                self._end(*_ALL)
            case ComplaintOpened() | ComplaintNoteAdded() | ComplaintAccepted() | ComplaintClosed():
                pass
            case _:
                assert_never(data)

    def _resolve(self, data: ComplaintResolved) -> None:
        self._end(*_ALL)
        row = self._row
        row["resolution"] = data.resolution
        row["handling_fault"] = data.handling_fault or row["handling_fault"]
        row["resolved_at"] = datetime_of(self._latest)
        for clock in self._ended:
            if clock.name == "resolution":
                row["working_seconds"] += clock.spent // _SECOND
                row["on_time"] = row["on_time"] is not False and clocks.is_met(clock)

    def _reopen(self) -> None:
        row = self._row
        row["resolved_at"] = None
        row["reopened"] += 1
        row["round"] += 1
        self._clocks = [
            clocks.resolution_clock(row["round"], each.target, self._calendar, self._latest)
            if each.name == "resolution"
            else each
            for each in self._clocks
        ]

    def _escalate(self, data: ComplaintEscalated, occurrence: Occurrence) -> None:
        self._row["level"] = data.to_level
        self._clocks = [
            each._replace(
                escalated=each.escalated
                or is_escalation_of(data.complaint_id, each, occurrence.event_id, occurrence.source)
            )
            for each in self._clocks
        ]

    def _end(self, *names: ClockName) -> None:
        """Ends those of some clocks that have not ended."""
        for place, clock in enumerate(self._clocks):
            if clock.name in names and clock.ended is None:
                self._clocks[place] = clocks.ended(clock, self._calendar, self._latest)
                self._ended.append(self._clocks[place])

    def _pause(self) -> None:
        self._clocks = [
            clocks.paused(each, self._calendar, self._latest) if each.name == PAUSING_CLOCK else each
            for each in self._clocks
        ]

    def _resume(self) -> None:
        self._clocks = [
            clocks.resumed(each, self._calendar, self._latest) if each.name == PAUSING_CLOCK else each
            for each in self._clocks
        ]


_ALL: tuple[ClockName, ...] = ("first_response", "resolution", "final_response", "summary_resolution")


def _first(breaking: list[Clock]) -> Any:
    times = [each.breaks_at for each in breaking if each.breaks_at is not None]
    return datetime_of(min(times)) if times else None
