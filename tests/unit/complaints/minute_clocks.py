"""Working time and clocks a second time, by walking through the minutes: slow, and simple enough to be believed.

Whether work is done in a minute is read off the wall: the local date, its weekday, and the time of day. Everything is
in whole minutes since 1970.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Wall(NamedTuple):
    """The hours of an office as people write them down."""

    zone: str
    hours: Sequence[Sequence[tuple[int, int]]]
    closed: frozenset[date]

    def is_at_work(self, minute: int) -> bool:
        local = (EPOCH + timedelta(minutes=minute)).astimezone(ZoneInfo(self.zone))
        if local.date() in self.closed:
            return False
        of_day = local.hour * 60 + local.minute
        return any(opening <= of_day < closing for opening, closing in self.hours[local.weekday()])


def worked(wall: Wall, start: int, end: int) -> int:
    """Minutes of work from one minute to another."""
    return sum(wall.is_at_work(minute) for minute in range(start, end))


def done_by(wall: Wall, start: int, minutes: int) -> int:
    """The first time at which so many minutes of work are done."""
    time = start
    while minutes > 0:
        minutes -= wall.is_at_work(time)
        time += 1
    return time


class Walked(NamedTuple):
    """A resolution clock as it stands at a time."""

    status: str
    elapsed: int
    due: int | None


def walk(
    wall: Wall, target: int, opened: int, pauses: Sequence[tuple[int, int]], *, end: int | None, at: int
) -> Walked:
    """A clock minute by minute, as C2 and C4 to C6 word it; pauses apart and in order, `end` after all of them."""
    stop = at if end is None else min(at, end)
    elapsed = sum(
        wall.is_at_work(minute)
        for minute in range(opened, stop)
        if not any(start <= minute < until for start, until in pauses)
    )
    is_paused = any(start <= stop < until for start, until in pauses)
    due = _due(wall, target, opened, pauses, stop, is_paused=is_paused)
    if end is not None and at >= end:
        return Walked("met" if due is None or end <= due else "missed", elapsed, due)
    if due is not None and at > due:
        return Walked("breached", elapsed, due)
    if is_paused:
        return Walked("paused", elapsed, due)
    return Walked("at_risk" if elapsed * 4 >= target * 3 else "running", elapsed, due)


def _due(
    wall: Wall, target: int, opened: int, pauses: Sequence[tuple[int, int]], stop: int, *, is_paused: bool
) -> int | None:
    """When the target is used up, as far as is known at `stop`: later pauses do not count yet."""
    begun = [(start, until) for start, until in pauses if start <= stop]
    left, time = target, opened
    while left > 0:
        inside = next(((start, until) for start, until in begun if start <= time < until), None)
        if inside is not None:
            if is_paused and inside == begun[-1]:
                return None
            time = inside[1]
            continue
        left -= wall.is_at_work(time)
        time += 1
    return time
