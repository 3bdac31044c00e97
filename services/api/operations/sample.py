"""One look at how far views are behind the log, and what looks of a quarter of an hour come to. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from services.projections.sight.positions import Positions

STEP_SECONDS: Final = 15
STEPS: Final = 60


class ViewLag(NamedTuple):
    """One view at one moment; None is what is not known. `applied` is the sum of its positions."""

    events: int | None
    seconds: float | None
    applied: int


class Sample(NamedTuple):
    """One look. `head` is where the log ends, empty where that is not known, and `log_error` says why."""

    at: datetime
    head: Positions
    log_error: str | None
    views: Mapping[str, ViewLag]


class Step(NamedTuple):
    """The worst of some seconds, None where no sample of them knows it."""

    events: int | None
    seconds: float | None


def steps_of(samples: Sequence[Sample], view: str, now: datetime) -> list[Step]:
    """Of each step the worst that its samples know, oldest first."""
    begins = now - timedelta(seconds=STEPS * STEP_SECONDS)
    events: list[list[int]] = [[] for _ in range(STEPS)]
    seconds: list[list[float]] = [[] for _ in range(STEPS)]
    for sample in samples:
        step = int((sample.at - begins).total_seconds() // STEP_SECONDS)
        lag = sample.views.get(view)
        if lag is None or sample.at < begins:
            continue
        step = min(step, STEPS - 1)
        if lag.events is not None:
            events[step].append(lag.events)
        if lag.seconds is not None:
            seconds[step].append(lag.seconds)
    return [
        Step(max(some, default=None), max(others, default=None))
        for some, others in zip(events, seconds, strict=True)
    ]
