"""When is an organisation at work? Opening hours by weekday in a time zone, less the days it is closed.

Hours are what clocks on the wall show there; what lies between is real time. So a night's shift is an hour longer when
the clocks go back, and hours that a change to summer time skips do not exist. Times are microseconds since 1970.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.projections.moments import datetime_of, microseconds_of

MINUTE = 60_000_000
DAY = 1440 * MINUTE
END_OF_TIME = microseconds_of(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
LAST_CLOSED_YEAR = 2100
"""Days that a calendar is closed lie no later, so what comes after repeats every 400 years, to the weekday."""

_CYCLE_YEARS = 400
_CYCLE = 146_097 * DAY
_LAST_OWN_YEAR = LAST_CLOSED_YEAR + _CYCLE_YEARS
_TABLES = 64
_WEEKDAYS = 7

Range = tuple[int, int]
"""Opening and closing in minutes of the day, 0 to 1440."""
Span = tuple[int, int]
"""A stretch of time, its end excluded."""
_Offset = tuple[int, int, int]
"""A stretch of time, and how far local time is ahead of UTC in it."""


class _Year(NamedTuple):
    """The stretches of a year in UTC in which work is done; `before` is the working time before each of them."""

    starts: list[int]
    ends: list[int]
    before: list[int]
    total: int


class WorkingCalendar:
    """Opening hours: for each weekday from Monday its ranges, ascending and apart, and the dates it is closed.

    At least one weekday has a range; dates lie no later than `LAST_CLOSED_YEAR`. It never changes. What it works out
    of years is remembered: at most 64 of them, and the sums of at most 601.
    """

    def __init__(
        self, name: str, zone: ZoneInfo, hours: Sequence[Sequence[Range]], closed: Collection[date]
    ) -> None:
        self.name = name
        self.zone = zone
        self.hours = tuple(tuple(day) for day in hours)
        self.closed = frozenset(closed)
        if len(self.hours) != _WEEKDAYS or not any(self.hours):
            raise ValueError(
                f"calendar {name} needs the ranges of seven weekdays, and never opens without any"
            )
        self._tables = lru_cache(maxsize=_TABLES)(self._built)
        self._totals: dict[int, int] = {}

    def week(self) -> int:
        """The working time of a week without closed days."""
        return sum(closing - opening for day in self.hours for opening, closing in day) * MINUTE

    def done(self, time: int) -> tuple[int, int]:
        """The year of a time in UTC, and the working time from that year's start to it."""
        year = datetime_of(time).year
        table, shift = self._table(year)
        found = bisect_right(table.starts, time - shift) - 1
        if found < 0:
            return year, 0
        return year, table.before[found] + min(time - shift, table.ends[found]) - table.starts[found]

    def total(self, year: int) -> int:
        """The working time of a year in UTC."""
        own, _ = _own_year(year)
        total = self._totals.get(own)
        if total is None:
            total = self._totals[own] = self._tables(own).total
        return total

    def moment(self, year: int, done: int) -> int:
        """The earliest time at which this much of a year's working time is done; more than 0 and at most its total."""
        table, shift = self._table(year)
        found = bisect_left(table.before, done) - 1
        return table.starts[found] + done - table.before[found] + shift

    def spans_of(self, day: date) -> list[Span]:
        """The stretches of a local date in which work is done; none of the last three days that a date can name."""
        midnight = _midnight(day)
        return sorted(self._spans(day, list(self._offsets(midnight - DAY, midnight + 2 * DAY))))

    def local_date(self, time: int) -> date:
        """What a calendar on the wall shows."""
        try:
            return datetime_of(time).astimezone(self.zone).date()
        except OverflowError:  # the last hours a datetime can hold, in a time zone that is ahead
            return datetime_of(time).date()

    def _table(self, year: int) -> tuple[_Year, int]:
        own, shift = _own_year(year)
        return self._tables(own), shift

    def _built(self, year: int) -> _Year:
        since, until = _year_start(year), _year_start(year + 1)
        offsets = list(self._offsets(since - 3 * DAY, until + 3 * DAY))
        day, last = date(year, 1, 1) - timedelta(days=2), date(year + 1, 1, 1) + timedelta(days=2)
        spans: list[Span] = []
        while day <= last:
            near = [
                each
                for each in offsets
                if each[0] < _midnight(day) + 2 * DAY and each[1] > _midnight(day) - DAY
            ]
            spans += self._spans(day, near)
            day += timedelta(days=1)
        table = _Year([], [], [], sum(max(0, min(end, until) - max(start, since)) for start, end in spans))
        done = 0
        for start, end in sorted(spans):
            if (length := min(end, until) - max(start, since)) > 0:
                table.starts.append(max(start, since))
                table.ends.append(min(end, until))
                table.before.append(done)
                done += length
        return table

    def _spans(self, day: date, offsets: Sequence[_Offset]) -> Iterator[Span]:
        """The stretches of a local date in which work is done, by the distances to UTC about that day."""
        if day in self.closed:
            return
        midnight = _midnight(day)
        for opening, closing in self.hours[day.weekday()]:
            for since, until, offset in offsets:
                start = max(since, midnight + opening * MINUTE - offset)
                end = min(until, midnight + closing * MINUTE - offset)
                if start < end:
                    yield start, end

    def _offsets(self, since: int, until: int) -> Iterator[_Offset]:
        """Stretches of equal distance to UTC, which changes at most once a day."""
        start, offset = since, self._offset(since)
        for day in range(since, until, DAY):
            end = min(day + DAY, until)
            if (changed := self._offset(end)) != offset:
                low, high = day, end
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
                yield start, high, offset
                start, offset = high, changed
        yield start, until, offset

    def _offset(self, time: int) -> int:
        utc = _EPOCH + time * _MICROSECOND
        return (utc.astimezone(self.zone).utcoffset() or timedelta()) // _MICROSECOND


_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _midnight(day: date) -> int:
    """The start of a day in UTC."""
    return (day.toordinal() - _EPOCH.toordinal()) * DAY


def _own_year(year: int) -> tuple[int, int]:
    """The year whose table serves a year, and by how much times of that table are to be moved."""
    if year <= _LAST_OWN_YEAR:
        return year, 0
    cycles = -(-(year - _LAST_OWN_YEAR) // _CYCLE_YEARS)
    return year - cycles * _CYCLE_YEARS, cycles * _CYCLE


def _year_start(year: int) -> int:
    return microseconds_of(datetime(year, 1, 1, tzinfo=UTC))
