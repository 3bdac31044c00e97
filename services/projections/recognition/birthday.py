"""How soon a birthday is. Somebody born on 29 February has it on the 28th in common years, rather early than late."""

from calendar import isleap
from datetime import date
from typing import Final

SOON_DAYS: Final = 7
"""How far ahead a birthday is told."""
_LEAP_DAY: Final = (2, 29)


def days_until_birthday(birthday: str, today: date) -> int | None:
    """Days from today to the birthday, 0 today, None where it is not within `SOON_DAYS`.

    `birthday` is `YYYY-MM-DD` or `--MM-DD`, as events have it, and a day of some calendar.
    """
    month, day = int(birthday[-5:-3]), int(birthday[-2:])
    for year in (today.year, today.year + 1):
        days = (_celebrated(year, month, day) - today).days
        if 0 <= days <= SOON_DAYS:
            return days
    return None


def _celebrated(year: int, month: int, day: int) -> date:
    return date(year, month, day - 1 if (month, day) == _LEAP_DAY and not isleap(year) else day)
