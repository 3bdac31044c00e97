"""Working time is never negative, adds up however it is cut, and agrees with walking through the minutes."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.projections.complaints import clocks
from services.projections.complaints.working_calendar import END_OF_TIME, MINUTE, WorkingCalendar
from services.projections.complaints.working_time import (
    add_working_time,
    close_of_business,
    working_time_between,
)
from services.projections.moments import datetime_of, microseconds_of
from tests.unit.complaints.minute_clocks import Wall, done_by, walk, worked

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Bangkok",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
)
FEW = settings(max_examples=150, deadline=None)
SLOW = settings(max_examples=120, deadline=None)


@st.composite
def _ranges(draw: Any) -> tuple[tuple[int, int], ...]:
    marks = draw(st.lists(st.integers(0, 96), max_size=6, unique=True))
    marks = sorted(marks)[: len(marks) // 2 * 2]
    return tuple(
        (opening * 15, closing * 15) for opening, closing in zip(marks[::2], marks[1::2], strict=True)
    )


@st.composite
def walls(draw: Any) -> Wall:
    hours = draw(st.lists(_ranges(), min_size=7, max_size=7))
    if not any(hours):
        hours[draw(st.integers(0, 6))] = ((540, 1020),)
    closed = draw(st.frozensets(st.dates(date(2024, 1, 1), date(2025, 12, 31)), max_size=20))
    return Wall(draw(st.sampled_from(ZONES)), hours, closed)


def calendar_of(wall: Wall) -> WorkingCalendar:
    return WorkingCalendar("a", ZoneInfo(wall.zone), wall.hours, wall.closed)


CHANGES = [
    date(2024, 3, 10),
    date(2024, 3, 31),
    date(2024, 10, 27),
    date(2024, 11, 3),
    date(2024, 4, 7),
    date(2024, 12, 30),
]
"""Nights in which clocks change somewhere, and the turn of a year."""
MINUTES = st.one_of(
    st.builds(
        lambda day, minutes: (
            microseconds_of(datetime(day.year, day.month, day.day, tzinfo=UTC)) // MINUTE + minutes
        ),
        st.sampled_from(CHANGES),
        st.integers(-1440, 2880),
    ),
    st.integers(
        microseconds_of(datetime(2024, 1, 1, tzinfo=UTC)) // MINUTE,
        microseconds_of(datetime(2025, 12, 1, tzinfo=UTC)) // MINUTE,
    ),
)
TIMES = st.integers(
    microseconds_of(datetime(2008, 1, 1, tzinfo=UTC)), microseconds_of(datetime(2032, 1, 1, tzinfo=UTC))
)


@FEW
@given(walls(), st.lists(TIMES, min_size=2, max_size=6))
def test_working_time_is_never_negative_and_adds_up_however_it_is_cut(wall: Wall, times: list[int]) -> None:
    calendar = calendar_of(wall)
    times.sort()
    pieces = [working_time_between(calendar, start, end) for start, end in pairwise(times)]
    assert all(piece >= 0 for piece in pieces)
    assert sum(pieces) == working_time_between(calendar, times[0], times[-1])
    assert working_time_between(calendar, times[-1], times[0]) == 0
    assert sum(pieces) <= times[-1] - times[0]


@FEW
@given(walls(), TIMES, st.integers(0, 1000 * 3600 * 10**6))
def test_adding_working_time_is_the_inverse_of_measuring_it(wall: Wall, start: int, duration: int) -> None:
    calendar = calendar_of(wall)
    end = add_working_time(calendar, start, duration)
    assert end >= start
    assert working_time_between(calendar, start, end) == duration
    if duration:
        assert working_time_between(calendar, start, end - 1) == duration - 1  # no earlier time would do


@SLOW
@given(walls(), MINUTES, st.integers(0, 4 * 1440))
def test_working_time_is_what_walking_through_the_minutes_counts(wall: Wall, start: int, length: int) -> None:
    found = working_time_between(calendar_of(wall), start * MINUTE, (start + length) * MINUTE)
    assert found == worked(wall, start, start + length) * MINUTE


@SLOW
@given(walls(), MINUTES, st.integers(1, 900))
def test_a_deadline_is_the_minute_that_walking_comes_to(wall: Wall, start: int, minutes: int) -> None:
    week = sum(closing - opening for day in wall.hours for opening, closing in day)
    minutes = min(minutes, week)
    found = add_working_time(calendar_of(wall), start * MINUTE, minutes * MINUTE)
    assert found == done_by(wall, start, minutes) * MINUTE


NEVER = 2**40


@st.composite
def _clock_lives(draw: Any) -> tuple[int, list[tuple[int, int]], int | None, int]:
    """When a clock started, its pauses, its end if any, and when it is looked at."""
    opened = draw(MINUTES)
    steps = draw(st.lists(st.integers(0, 900), max_size=7))
    marks = [opened]
    for step in steps:
        marks.append(marks[-1] + step)
    pauses = [(start, until) for start, until in zip(marks[1::2], marks[2::2], strict=False) if start < until]
    last = max([opened, *(until for _, until in pauses)])
    end = draw(st.one_of(st.none(), st.integers(last, last + 900)))
    if pauses and draw(st.booleans()):  # the customer never answers
        pauses[-1] = (pauses[-1][0], NEVER)
        end = None
    return opened, pauses, end, draw(st.integers(last if end is None else end, last + 2500))


@SLOW
@given(walls(), st.integers(1, 1500), _clock_lives())
def test_clocks_are_what_walking_through_the_minutes_says(
    wall: Wall, target: int, life: tuple[int, list[tuple[int, int]], int | None, int]
) -> None:
    opened, pauses, end, at = life
    calendar = calendar_of(wall)
    clock = clocks.resolution_clock(1, target * 60, calendar, opened * MINUTE)
    for start, until in pauses:
        clock = clocks.paused(clock, calendar, start * MINUTE)
        if until != NEVER:
            clock = clocks.resumed(clock, calendar, until * MINUTE)
    if end is not None:
        clock = clocks.ended(clock, calendar, end * MINUTE)
    walked = walk(wall, target, opened, pauses, end=end, at=at)
    found = (
        clocks.status(clock, calendar, at * MINUTE),
        clocks.elapsed(clock, calendar, at * MINUTE) // MINUTE,
        None if clock.due is None else clock.due // MINUTE,
    )
    assert found == tuple(walked)


@FEW
@given(walls(), TIMES, st.integers(1, 200 * 3600), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_pause_outside_working_time_moves_no_deadline(
    wall: Wall, start: int, target: int, wait: int, length: int
) -> None:
    calendar = calendar_of(wall)
    clock = clocks.resolution_clock(1, target, calendar, start)
    pause, until = start + wait, start + wait + length
    after = clocks.resumed(clocks.paused(clock, calendar, pause), calendar, until)
    assert after.due is not None
    assert clock.due is not None
    if working_time_between(calendar, pause, until) == 0 or pause >= clock.due:
        assert after.due == clock.due
    else:
        assert after.due > clock.due


def test_far_years_repeat_every_400_and_the_end_of_time_is_the_latest_deadline() -> None:
    calendar = WorkingCalendar("a", ZoneInfo("Europe/Berlin"), [((540, 1020),)] * 5 + [(), ()], [])
    monday = microseconds_of(datetime(9998, 6, 1, 7, tzinfo=UTC))
    assert datetime_of(monday).weekday() == 0
    assert datetime_of(add_working_time(calendar, monday, 480 * MINUTE)) == datetime(
        9998, 6, 1, 15, tzinfo=UTC
    )
    last = microseconds_of(datetime(9999, 12, 31, 23, tzinfo=UTC))
    assert add_working_time(calendar, last, 480 * MINUTE) == END_OF_TIME
    assert close_of_business(calendar, last, 3) == END_OF_TIME
    first = microseconds_of(datetime(1900, 1, 1, tzinfo=UTC))
    assert working_time_between(calendar, first, END_OF_TIME) > 8000 * 365 * 5 // 7 * 480 * MINUTE


def test_a_calendar_that_is_closed_for_years_opens_again() -> None:
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(1000)]
    calendar = WorkingCalendar("a", ZoneInfo("UTC"), [((0, 1440),)] * 7, days)
    start = microseconds_of(datetime(2023, 12, 31, 23, tzinfo=UTC))
    assert datetime_of(add_working_time(calendar, start, 61 * MINUTE)) == datetime(
        2026, 9, 27, 0, 1, tzinfo=UTC
    )
    assert working_time_between(calendar, start, start + 1000 * 1440 * MINUTE) == 60 * MINUTE


def test_a_calendar_that_never_opens_is_refused() -> None:
    with pytest.raises(ValueError, match="never opens"):
        WorkingCalendar("a", ZoneInfo("UTC"), [()] * 7, [])
