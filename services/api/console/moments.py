"""Times as people at a counter read them: in the zone of the place, and how far away they are."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_TWO_UNITS_UNTIL: Final = 14 * DAY


def instant(told: str) -> datetime:
    """The time that an answer of the API tells, with its offset."""
    return datetime.fromisoformat(told)


def clock_time(moment: datetime, zone: ZoneInfo) -> str:
    """The time of day in a zone, such as `09:05`; in the night of an hour that comes twice, which one: `02:30 CEST`."""
    local = moment.astimezone(zone)
    return f"{local:%H:%M %Z}" if _comes_twice(local) else f"{local:%H:%M}"


def day_name(moment: datetime, zone: ZoneInfo) -> str:
    """The day in a zone, such as `Sat 31 Jan 2026`."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}"


def short(moment: datetime, zone: ZoneInfo) -> str:
    """Day and time in a zone, such as `31 Jan 2026, 09:05`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y}, {clock_time(moment, zone)}"


def duration(seconds: float) -> str:
    """A length of time, never negative, in its two largest units: `3 h 20 min`, `2 d 4 h`, `40 d`; below one minute
    `under 1 min`.
    """
    whole = int(abs(seconds))
    if whole < MINUTE:
        return "under 1 min"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return _units(whole // HOUR, "h", whole % HOUR // MINUTE, "min")
    if whole < _TWO_UNITS_UNTIL:
        return _units(whole // DAY, "d", whole % DAY // HOUR, "h")
    return f"{whole // DAY} d"


def working(seconds: float) -> str:
    """A length of working time, never negative, in hours and minutes: a day of it would not be one of the calendar."""
    whole = int(abs(seconds))
    return duration(whole) if whole < HOUR else _units(whole // HOUR, "h", whole % HOUR // MINUTE, "min")


def due(moment: datetime, now: datetime) -> str:
    """How far a deadline is away: `in 3 h 20 min`, or `2 d 4 h late`."""
    left = moment - now
    return (
        f"in {duration(left.total_seconds())}"
        if left >= timedelta()
        else f"{duration(left.total_seconds())} late"
    )


def _comes_twice(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _units(many: int, large: str, few: int, small: str) -> str:
    return f"{many} {large} {few} {small}" if few else f"{many} {large}"
