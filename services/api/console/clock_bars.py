"""A deadline as a bar: how much of its time is gone, and how that stands. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.api.console.moments import due, duration, instant

WIDTH: Final = 100
_WORDS: Final[Mapping[str, str]] = {
    "running": "running",
    "at_risk": "at risk",
    "paused": "paused while the customer is asked",
    "breached": "past due",
    "met": "met",
    "missed": "missed",
}
_ENDED: Final = frozenset({"met", "missed"})


class ClockBar(NamedTuple):
    """A clock of a case. `gone` is the share of its time that is gone, in hundredths, at most 100; `stands` says so in
    words that need no colour.
    """

    clock: Mapping[str, Any]
    gone: int
    status: str
    stands: str


def clock_bar(clock: Mapping[str, Any], now: datetime) -> ClockBar:
    """The bar of a clock as an answer of the API tells it."""
    target, elapsed, status = clock["target_seconds"], clock["elapsed_seconds"], clock["status"]
    gone = WIDTH if not target else min(WIDTH, WIDTH * elapsed // target)
    stands = _WORDS[status]
    if status not in _ENDED and clock["due_at"] is not None:
        stands = f"{stands}, due {due(instant(clock['due_at']), now)}"
    return ClockBar(clock, gone, status, f"{stands}; {duration(elapsed)} of {duration(target)}")
