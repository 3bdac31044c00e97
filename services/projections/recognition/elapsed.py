"""How long ago something was, as people say it: in whole years, and the days since the last of them.

Times are told by the calendar of a time zone. One that lies ahead, by a sender's clock, counts as now.
"""

from calendar import isleap
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_LEAP_DAY: Final = (2, 29)


class Elapsed(NamedTuple):
    """Whole days altogether; and the same as whole years and the days that are left."""

    days_altogether: int
    years: int
    days: int


def elapsed(since: datetime, now: datetime, zone: ZoneInfo) -> Elapsed:
    """How long ago `since` was by calendar days: something of yesterday evening was one day ago this morning."""
    today, day = now.astimezone(zone).date(), min(since, now).astimezone(zone).date()
    years = today.year - day.year
    anniversary = day.replace(year=today.year, day=_day_in(today.year, day.month, day.day))
    if anniversary > today:
        years -= 1
        anniversary = day.replace(year=today.year - 1, day=_day_in(today.year - 1, day.month, day.day))
    return Elapsed((today - day).days, years, (today - anniversary).days)


def lapsed_years(last_contact: datetime | None, now: datetime, zone: ZoneInfo) -> int | None:
    """For how many whole years nobody was in touch; None where it is less than one, or was never."""
    if last_contact is None:
        return None
    return elapsed(last_contact, now, zone).years or None


def _day_in(year: int, month: int, day: int) -> int:
    return day - 1 if (month, day) == _LEAP_DAY and not isleap(year) else day
