"""Clocks as bars of time: what they say in words, and that all of it lies within the bar."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.console.clock_bars import WIDTH, clock_bar

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def told(hours: float) -> str:
    """A time so many hours after eight."""
    return (NOON + timedelta(hours=hours - 4)).isoformat().replace("+00:00", "Z")


def pause(start: float, end: float | None, worked: int) -> dict[str, Any]:
    return {
        "started_at": told(start),
        "ended_at": None if end is None else told(end),
        "reason": "waiting_for_customer",
        "working_seconds": worked,
    }


def clock(status: str, elapsed: int, due: float | None, *pauses: Any, ended: float | None = None) -> Any:
    """A clock that began at eight."""
    return {
        "name": "resolution",
        "status": status,
        "target_seconds": 14_400,
        "elapsed_seconds": elapsed,
        "started_at": told(0),
        "due_at": None if due is None else told(due),
        "ended_at": None if ended is None else told(ended),
        "pauses": list(pauses),
        "open_pause": next((each for each in pauses if each["ended_at"] is None), None),
    }


@pytest.mark.parametrize(
    ("shown", "stands", "used"),
    [
        (clock("at_risk", 11_000, 5), "at risk", "3 h 3 min of 4 h working time"),
        (clock("breached", 90_000, 2), "past due", "25 h of 4 h working time"),
        (
            clock("paused", 3600, None, pause(1, None, 10_800)),
            "paused: waiting for the customer",
            "1 h of 4 h working time",
        ),
        (
            clock("breached", 14_500, 3, pause(3.5, None, 1800)),
            "past due: waiting for the customer",
            "4 h 1 min of 4 h working time",
        ),
        (clock("met", 3600, 5, ended=1), "met", "1 h of 4 h working time"),
        (
            {**clock("running", 90_000, 40), "name": "final_response", "target_seconds": 180_000},
            "running",
            "1 d 1 h of 2 d 2 h",
        ),
    ],
)
def test_a_clock_says_in_words_what_its_bar_says_in_colour(shown: Any, stands: str, used: str) -> None:
    bar = clock_bar(shown, NOON)
    assert (bar.stands, bar.used) == (stands, used)


def test_a_bar_goes_from_start_to_deadline_with_its_pauses_where_they_were() -> None:
    bar = clock_bar(clock("running", 7200, 8, pause(1, 3, 7200)), NOON)
    assert (bar.until, bar.due) == (WIDTH / 2, WIDTH)
    [only] = bar.pauses
    assert (only.left, only.width, only.lasting, only.worked) == (125, 250, "2 h", "2 h of working time")


def test_a_deadline_that_is_past_lies_before_the_end_of_the_bar() -> None:
    bar = clock_bar(clock("missed", 20_000, 2, ended=8), NOON)
    assert (bar.until, bar.due) == (WIDTH, WIDTH / 4)


def test_a_pause_in_the_night_is_none_of_working_time_and_one_that_goes_on_ends_now() -> None:
    assert clock_bar(clock("running", 0, 9, pause(1, 3, 0)), NOON).pauses[0].worked == "no working time"
    [open_one] = clock_bar(clock("paused", 3600, None, pause(1, None, 10_800)), NOON).pauses
    assert (open_one.left, open_one.width, open_one.lasting) == (250, 750, "3 h")


@given(
    st.lists(st.floats(0, 100), max_size=12).map(sorted),
    st.none() | st.floats(0, 200),
    st.none() | st.floats(100, 150),
)
def test_all_of_a_bar_lies_within_it(ends: list[float], due: float | None, ended: float | None) -> None:
    pauses = [pause(start, end, 0) for start, end in zip(ends[::2], ends[1::2], strict=False)]
    bar = clock_bar(clock("running", 0, due, *pauses, ended=ended), NOON + timedelta(hours=96))
    assert 0 <= bar.until <= WIDTH
    assert bar.due is None or 0 <= bar.due <= WIDTH
    assert WIDTH in (bar.until, bar.due)
    assert all(0 <= each.left <= each.left + each.width <= WIDTH + 0.11 for each in bar.pauses)
    assert [each.left for each in bar.pauses] == sorted(each.left for each in bar.pauses)
