"""Times as whole microseconds since 1970 in UTC, which compare and store exactly, and the calendars of time zones."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NEVER = 2**62
"""Later than every time: when a lot expires that does not."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MONTHS = 12


def microseconds_of(time: datetime) -> int:
    """An aware time as microseconds since 1970, negative before."""
    return (time - _EPOCH) // _MICROSECOND


def datetime_of(microseconds: int) -> datetime:
    """The time in UTC. `NEVER` is none."""
    return _EPOCH + timedelta(microseconds=microseconds)


@lru_cache(maxsize=4096)
def text_of(microseconds: int) -> str | None:
    """RFC 3339 in UTC; None for `NEVER`. Remembered, because all lots of a month expire at one time."""
    if microseconds == NEVER:
        return None
    return datetime_of(microseconds).isoformat().replace("+00:00", "Z")


def local_year(microseconds: int, zone: ZoneInfo) -> int:
    """The calendar year of a time in a time zone."""
    return _local_date(microseconds, zone).year


def month_start_after(microseconds: int, months: int, zone: ZoneInfo) -> int:
    """00:00 local time on the first day of the month after the time plus some months; `NEVER` beyond the year 9999."""
    local = _local_date(microseconds, zone)
    return _month_start(local.year, local.month + months + 1, zone)


def year_start(year: int, zone: ZoneInfo) -> int:
    """00:00 local time on 1 January; `NEVER` beyond the year 9999."""
    return _month_start(year, 1, zone)


def month_start(year: int, month: int, zone: ZoneInfo) -> int:
    """00:00 local time on the first day of a month, `month` 13 being that of the next January; `NEVER` beyond 9999."""
    return _month_start(year, month, zone)


def day_start(day: date, zone: ZoneInfo) -> int:
    """The first moment of a day in a time zone."""
    return _microseconds_of_local(datetime(day.year, day.month, day.day, tzinfo=zone))


@lru_cache(maxsize=1024)
def _local_date(microseconds: int, zone: ZoneInfo) -> date:
    """Remembered, because one event asks several times."""
    time = datetime_of(microseconds)
    try:
        return time.astimezone(zone).date()
    except OverflowError:  # the last hours that a datetime can hold, in a time zone that is ahead
        return time.date()


@lru_cache(maxsize=4096)
def _month_start(year: int, month: int, zone: ZoneInfo) -> int:
    """`month` may be over 12."""
    years, month = divmod(month - 1, _MONTHS)
    if year + years > date.max.year:
        return NEVER
    return _microseconds_of_local(datetime(year + years, month + 1, 1, tzinfo=zone))


def _microseconds_of_local(local: datetime) -> int:
    offset = local.utcoffset() or timedelta()
    return (local.replace(tzinfo=UTC) - _EPOCH - offset) // _MICROSECOND
