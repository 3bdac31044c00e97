"""Working time between two times, and the time by which so much of it is done. All in whole microseconds."""

from datetime import timedelta

from services.projections.complaints.working_calendar import END_OF_TIME, WorkingCalendar
from services.projections.moments import datetime_of

_LONGEST_CLOSURE_DAYS = 3660


def working_time_between(calendar: WorkingCalendar, start: int, end: int) -> int:
    """The working time from `start` to `end`; 0 where `end` is not later. Costs a look-up, and one a year between."""
    if end <= start:
        return 0
    year, done_before = calendar.done(start)
    last_year, done = calendar.done(end)
    return done - done_before + sum(map(calendar.total, range(year, last_year)))


def add_working_time(calendar: WorkingCalendar, start: int, duration: int) -> int:
    """The earliest time, not before `start`, at which `duration` of working time has passed since.

    `END_OF_TIME` where that lies beyond the year 9999.
    """
    if duration <= 0:
        return start
    year, done = calendar.done(start)
    wanted = done + duration
    last_year = datetime_of(END_OF_TIME).year
    while wanted > (total := calendar.total(year)):
        wanted -= total
        year += 1
        if year > last_year:
            return END_OF_TIME
    return calendar.moment(year, wanted)


def close_of_business(calendar: WorkingCalendar, start: int, days: int) -> int:
    """The end of business on a business day after that of `start`: the first, the third.

    A day on which work is done is a business day; that of `start` does not count. `END_OF_TIME` where there is no such
    day within ten years.
    """
    day = calendar.local_date(start)
    for _ in range(_LONGEST_CLOSURE_DAYS):
        if datetime_of(END_OF_TIME).date() - day <= timedelta(days=3):
            return END_OF_TIME
        day += timedelta(days=1)
        if spans := calendar.spans_of(day):
            days -= 1
            if days == 0:
                return spans[-1][1]
    return END_OF_TIME
