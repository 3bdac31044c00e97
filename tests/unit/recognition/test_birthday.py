"""How soon a birthday is, with and without its year, over the turn of a year, and on 29 February."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.recognition.birthday import SOON_DAYS, days_until_birthday


@pytest.mark.parametrize(
    ("birthday", "today", "days"),
    [
        ("1984-07-01", date(2026, 7, 1), 0),
        ("--07-01", date(2026, 7, 1), 0),
        ("1984-07-08", date(2026, 7, 1), 7),
        ("1984-07-09", date(2026, 7, 1), None),
        ("1984-06-30", date(2026, 7, 1), None),
        ("--01-02", date(2026, 12, 30), 3),
        ("--12-31", date(2027, 1, 1), None),
        ("1984-02-29", date(2028, 2, 29), 0),
        ("1984-02-29", date(2027, 2, 28), 0),
        ("--02-29", date(2027, 2, 21), 7),
        ("--02-29", date(2028, 2, 28), 1),
        ("--02-29", date(2027, 3, 1), None),
        ("--02-28", date(2028, 2, 29), None),
    ],
)
def test_a_birthday_is_told_from_a_week_before_it(birthday: str, today: date, days: int | None) -> None:
    assert days_until_birthday(birthday, today) == days


@given(born=st.dates(date(1900, 1, 1), date(2020, 12, 31)), year=st.integers(2021, 2100))
def test_every_birthday_is_told_on_the_eight_days_that_count_down_to_it(born: date, year: int) -> None:
    is_leap_day = (born.month, born.day) == (2, 29)
    celebrated = date(year, 3, 1) - timedelta(days=1) if is_leap_day else born.replace(year=year)
    days = [celebrated + timedelta(days=number) for number in range(-12, 13)]
    expected = [None] * 5 + list(range(SOON_DAYS, -1, -1)) + [None] * 12
    assert [days_until_birthday(born.isoformat(), day) for day in days] == expected
    assert [days_until_birthday(f"-{born.isoformat()[4:]}", day) for day in days] == expected
