"""A deadline as a bar of time: from its start, with the stretches in which it stood still, to when it is due. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.api.console.moments import duration, instant, working
from services.projections.complaints.clocks import CALENDAR_CLOCK

WIDTH: Final = 1000
_LEAST_WIDTH: Final = 6
"""Of a pause, so that a short one is seen."""
_WORDS: Final[Mapping[str, str]] = {
    "running": "running",
    "at_risk": "at risk",
    "paused": "paused",
    "breached": "past due",
    "met": "met",
    "missed": "missed",
}
REASONS: Final[Mapping[str, str]] = {"waiting_for_customer": "waiting for the customer"}
"""Why a clock stands still, in words."""


class PauseOnBar(NamedTuple):
    """A pause of a clock: where it lies on the bar, how long it was or has been so far, how much of that was working
    time, and why, in words.
    """

    started_at: str
    ended_at: str | None
    left: float
    width: float
    lasting: str
    worked: str
    reason: str


class ClockBar(NamedTuple):
    """A clock of a case. The bar is time as it passes, closed hours included, over `WIDTH`: `until` is how far it has
    come, or came, and `due` where its deadline lies, None while it has none. `stands` says in words how it stands, and
    `used` how much of its time is gone.
    """

    clock: Mapping[str, Any]
    status: str
    stands: str
    used: str
    until: float
    due: float | None
    pauses: list[PauseOnBar]


def clock_bar(clock: Mapping[str, Any], now: datetime) -> ClockBar:
    """The bar of a clock as an answer of the API tells it, at a time."""
    due_at = _moment(clock["due_at"])
    until = _moment(clock["ended_at"]) or now
    axis = _Axis(instant(clock["started_at"]), max(until, due_at or until))
    return ClockBar(
        clock,
        clock["status"],
        _stands(clock),
        _used(clock),
        axis.across(until),
        None if due_at is None else axis.across(due_at),
        [_on_bar(each, axis, until) for each in clock["pauses"]],
    )


class _Axis(NamedTuple):
    start: datetime
    end: datetime

    def across(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start) if self.end > self.start else 1.0
        return round(WIDTH * min(1.0, max(0.0, share)), 1)


def _on_bar(pause: Mapping[str, Any], axis: _Axis, until: datetime) -> PauseOnBar:
    start, end = instant(pause["started_at"]), _moment(pause["ended_at"]) or until
    width = max(_LEAST_WIDTH, axis.across(end) - axis.across(start))
    return PauseOnBar(
        pause["started_at"],
        pause["ended_at"],
        min(axis.across(start), WIDTH - width),
        round(width, 1),
        duration((end - start).total_seconds()),
        f"{working(pause['working_seconds'])} of working time"
        if pause["working_seconds"]
        else "no working time",
        REASONS[pause["reason"]],
    )


def _stands(clock: Mapping[str, Any]) -> str:
    told, pause = _WORDS[clock["status"]], clock["open_pause"]
    return told if pause is None else f"{told}: {REASONS[pause['reason']]}"


def _used(clock: Mapping[str, Any]) -> str:
    elapsed, target = clock["elapsed_seconds"], clock["target_seconds"]
    if clock["name"] == CALENDAR_CLOCK:
        return f"{duration(elapsed)} of {duration(target)}"
    return f"{working(elapsed)} of {working(target)} working time"


def _moment(told: str | None) -> datetime | None:
    return None if told is None else instant(told)
