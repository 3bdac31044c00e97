"""Times of a rule: as they stand, or so far from `as_of` by the calendar of the zone."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from shared.events.vocabulary import EARLIEST, LATEST
from shared.segment_rules.rule import Shift

_MONTHS: Final = 12


class AsOf(NamedTuple):
    """The time that a segment is asked for, and the zone in which its days begin."""

    time: datetime
    zone: ZoneInfo


def moment_of(told: datetime | Shift, as_of: AsOf) -> datetime:
    """The moment that is meant, in UTC, within history.

    Months and days are those of the calendar on the wall, at the same time of day; a day that a month does not have is
    its last one. Months are counted first.
    """
    if isinstance(told, datetime):
        return told
    local = as_of.time.astimezone(as_of.zone).replace(tzinfo=None)
    try:
        moved = _months_on(local, told.months) + timedelta(days=told.days)
        return max(EARLIEST, min(LATEST, moved.replace(tzinfo=as_of.zone).astimezone(UTC)))
    except (ValueError, OverflowError):
        return EARLIEST if told.months + told.days < 0 else LATEST


def _months_on(local: datetime, months: int) -> datetime:
    month = local.year * _MONTHS + local.month - 1 + months
    year, place = divmod(month, _MONTHS)
    if not EARLIEST.year <= year <= LATEST.year:
        raise ValueError("a year outside history")
    return local.replace(year=year, month=place + 1, day=min(local.day, monthrange(year, place + 1)[1]))
