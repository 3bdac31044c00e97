"""The clocks of a complaint (C1 to C6): how long each has run, when it is due, and what may be said of it at a time.

A clock keeps what its pauses come to, not each of them (`pauses` finds those), so it never grows. Times and lengths are
microseconds, targets seconds. Nothing ticks: a clock's status follows from what it keeps and a time not before its
latest change.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from services.projections.complaints.policy import Targets
from services.projections.complaints.working_calendar import END_OF_TIME, WorkingCalendar
from services.projections.complaints.working_time import (
    add_working_time,
    close_of_business,
    working_time_between,
)

ClockName = Literal["first_response", "resolution", "final_response", "summary_resolution"]
ClockStatus = Literal["running", "at_risk", "paused", "breached", "met", "missed"]

CALENDAR_CLOCK: ClockName = "final_response"
"""The one clock that runs on calendar time."""
PAUSING_CLOCK: ClockName = "resolution"
"""The one clock that pauses while the customer is asked (C1 to C3)."""

_SECOND = 1_000_000
_RISK_NUMERATOR, _RISK_DENOMINATOR = 3, 4


class Clock(NamedTuple):
    """One clock of a round.

    `spent` is the time that had passed on it by `since`, or altogether where it does not run and `since` is None.
    `due` is None while it is paused with time left, and for a clock that ended so.
    """

    name: ClockName
    round: int
    target: int
    started: int
    spent: int
    since: int | None
    due: int | None
    ended: int | None
    escalated: bool

    @property
    def breaks_at(self) -> int | None:
        """The time after which it is breached, None for a clock that ended or is paused."""
        return None if self.ended is not None else self.due


def opening_clocks(targets: Targets, calendar: WorkingCalendar, time: int) -> list[Clock]:
    """The clocks that start when a complaint is opened (C1 to C3)."""
    clocks = [_working_clock("first_response", 1, targets.first_response, calendar, time)]
    clocks.append(resolution_clock(1, targets.resolution, calendar, time))
    if targets.final_response is not None:
        due = min(time + targets.final_response * _SECOND, END_OF_TIME)
        clocks.append(_clock("final_response", 1, targets.final_response, time, due))
    if targets.summary_resolution is not None:
        due = close_of_business(calendar, time, targets.summary_resolution)
        target = working_time_between(calendar, time, due) // _SECOND
        clocks.append(_clock("summary_resolution", 1, target, time, due))
    return clocks


def resolution_clock(number: int, target: int, calendar: WorkingCalendar, time: int) -> Clock:
    """The resolution clock of a round, with the full target (C2)."""
    return _working_clock(PAUSING_CLOCK, number, target, calendar, time)


def paused(clock: Clock, calendar: WorkingCalendar, time: int) -> Clock:
    """A clock from the start of a pause on: it has no due time, unless nothing was left of its time (C5)."""
    spent = elapsed(clock, calendar, time)
    return clock._replace(spent=spent, since=None, due=clock.due if spent >= clock.target * _SECOND else None)


def resumed(clock: Clock, calendar: WorkingCalendar, time: int) -> Clock:
    """A clock from the end of a pause on, due when what was left of its time has passed (C4)."""
    left = clock.target * _SECOND - clock.spent
    due = add_working_time(calendar, time, left) if clock.due is None else clock.due
    return clock._replace(since=time, due=due)


def ended(clock: Clock, calendar: WorkingCalendar, time: int) -> Clock:
    """A clock that ended at a time, paused or not."""
    return clock._replace(spent=elapsed(clock, calendar, time), since=None, ended=time)


def elapsed(clock: Clock, calendar: WorkingCalendar, time: int) -> int:
    """The time that has passed on a clock by a time, its pauses left out."""
    if clock.since is None:
        return clock.spent
    if clock.name == CALENDAR_CLOCK:
        return clock.spent + max(0, time - clock.since)
    return clock.spent + working_time_between(calendar, clock.since, time)


def status(clock: Clock, calendar: WorkingCalendar, time: int) -> ClockStatus:
    """What may be said of a clock at a time (C5, C6)."""
    if clock.ended is not None:
        return "met" if is_met(clock) else "missed"
    if clock.due is None:
        return "paused"
    if time > clock.due:
        return "breached"
    if clock.since is None:
        return "paused"
    used = elapsed(clock, calendar, time)
    is_at_risk = used * _RISK_DENOMINATOR >= clock.target * _SECOND * _RISK_NUMERATOR
    return "at_risk" if is_at_risk else "running"


def is_met(clock: Clock) -> bool:
    """Whether a clock that ended did so in time."""
    return clock.due is None or (clock.ended is not None and clock.ended <= clock.due)


def stored(clock: Clock) -> dict[str, Any]:
    """A clock as a row keeps it."""
    return clock._asdict()


def read_back(clock: Mapping[str, Any]) -> Clock:
    """A clock from a row that keeps it."""
    return Clock(**clock)


def _working_clock(name: ClockName, number: int, target: int, calendar: WorkingCalendar, time: int) -> Clock:
    return _clock(name, number, target, time, add_working_time(calendar, time, target * _SECOND))


def _clock(name: ClockName, number: int, target: int, time: int, due: int) -> Clock:
    return Clock(name, number, target, time, 0, time, due, None, escalated=False)
