"""How far a view was behind in the last quarter of an hour, as a line with gaps where that is not known. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple

from services.api.console.moments import duration

WIDTH: Final = 240
HEIGHT: Final = 40
_MARGIN: Final = 2
_MINUTE: Final = 60


class LagMinute(NamedTuple):
    """The worst of a minute that begins at `at`; None where nothing of it is known."""

    at: datetime
    events: int | None
    seconds: float | None


class LagChart(NamedTuple):
    """What a drawing of it needs: a path within `WIDTH` x `HEIGHT`, what it says in words, and its minutes, newest
    first. `most` is the worst of all, None where nothing is known.
    """

    path: str
    most: int | None
    told: str
    minutes: list[LagMinute]


def lag_chart(history: Mapping[str, Any], ends: datetime) -> LagChart:
    """The chart of a view's history as an answer of the API tells it, which ends at `ends`."""
    events, seconds = history["lag_events"], history["lag_seconds"]
    step_seconds = history["step_seconds"]
    known = [each for each in events if each is not None]
    most = max(known, default=None)
    return LagChart(
        _path(events, most or 0),
        most,
        _told(events, most, step_seconds),
        _minutes(events, seconds, step_seconds, ends),
    )


def _path(events: Sequence[int | None], most: int) -> str:
    """A level piece for each run of equal steps, joined where the one before is known too."""
    width = (WIDTH - 2 * _MARGIN) / max(1, len(events))
    pieces: list[str] = []
    joined = False
    first = 0
    for each, run in groupby(events):
        left = _MARGIN + first * width
        first += len(list(run))
        if each is not None:
            right = _MARGIN + first * width
            down = HEIGHT - _MARGIN - each / max(1, most) * (HEIGHT - 2 * _MARGIN)
            pieces.append(f"V{down:.4g}H{right:.4g}" if joined else f"M{left:.4g} {down:.4g}H{right:.4g}")
        joined = each is not None
    return "".join(pieces)


def _told(events: Sequence[int | None], most: int | None, step_seconds: int) -> str:
    span = duration(len(events) * step_seconds)
    if most is None:
        return f"not known for the last {span}"
    unknown = sum(each is None for each in events) * step_seconds
    told = f"at most {most:,} events behind in the last {span}"
    return f"{told}, of which {duration(unknown)} are not known" if unknown else told


def _minutes(
    events: Sequence[int | None], seconds: Sequence[float | None], step_seconds: int, ends: datetime
) -> list[LagMinute]:
    steps = max(1, _MINUTE // step_seconds)
    begins = ends - timedelta(seconds=len(events) * step_seconds)
    minutes = [
        LagMinute(
            begins + timedelta(seconds=first * step_seconds),
            max((each for each in events[first : first + steps] if each is not None), default=None),
            max((each for each in seconds[first : first + steps] if each is not None), default=None),
        )
        for first in range(0, len(events), steps)
    ]
    return minutes[::-1]
