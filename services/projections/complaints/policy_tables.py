"""The form of a policy file: its tables, the texts in them, and in words what is allowed."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.projections.complaints.working_calendar import LAST_CLOSED_YEAR, Range
from shared.events.complaint import Severity

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
_CLOCK_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_RANGE = rf"{_CLOCK_TIME} ?- ?(?:{_CLOCK_TIME}|24:00)"
_WORKING_DURATION = r"^[1-9][0-9]{0,5}[mh]$"
_CALENDAR_DURATION = r"^[1-9][0-9]{0,5}[mhd]$"
_BUSINESS_DAYS = r"^([1-9]|[1-5][0-9]|60) business days?$"
_SECONDS = {"m": 60, "h": 3600, "d": 86400}

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SEVERITIES: tuple[Severity, ...] = ("low", "normal", "high", "critical")

_Name = Annotated[str, Field(pattern=_NAME)]
_Ranges = Annotated[str, Field(pattern=rf"^(?:{_RANGE}(?:, ?{_RANGE}){{0,9}})?$")]
_WorkingDuration = Annotated[str, Field(pattern=_WORKING_DURATION)]


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class CalendarTable(_Table):
    """Opening hours; a weekday that is absent or empty is closed."""

    timezone: str
    hours: dict[Weekday, _Ranges]
    holidays: str | None = None
    subdivision: str | None = None
    extra_holidays: Annotated[list[date], Field(max_length=10_000)] = []


class TargetsTable(_Table):
    """How soon, for one severity."""

    first_response: _WorkingDuration
    resolution: _WorkingDuration
    final_response: Annotated[str, Field(pattern=_CALENDAR_DURATION)] | None = None
    summary_resolution: Annotated[str, Field(pattern=_BUSINESS_DAYS)] | None = None


class PolicyTable(_Table):
    """Targets by severity; `fallback` names the one that serves severities without a table."""

    calendar: str
    fallback: Severity = "normal"
    applies_to: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=10_000)
    ] = []
    low: TargetsTable | None = None
    normal: TargetsTable | None = None
    high: TargetsTable | None = None
    critical: TargetsTable | None = None

    def own(self, severity: Severity) -> TargetsTable | None:
        """The targets that stand in the file for a severity."""
        found: TargetsTable | None = getattr(self, severity)
        return found


class File(_Table):
    """The whole file."""

    calendar: Annotated[dict[_Name, CalendarTable], Field(min_length=1, max_length=1000)]
    policy: Annotated[dict[_Name, PolicyTable], Field(min_length=1, max_length=1000)]


_DURATION = 'such as "90m" or "4h"'
_WORKING = f"working time in minutes or hours, {_DURATION}; a day of it has as many hours as it is open"
ALLOWED: Mapping[str, str] = {
    "calendar": "tables [calendar.NAME], and in a policy the NAME of one of them; a NAME is 1 to 128 letters, digits, "
    "dots, dashes or underscores",
    "policy": "tables [policy.NAME], one of them [policy.default]; a NAME is 1 to 128 letters, digits, dots, dashes or "
    "underscores",
    "timezone": "the name of an IANA time zone, such as Europe/Berlin",
    "hours": "a table of ranges by weekday, mon to sun, of which at least one opens",
    **dict.fromkeys(
        WEEKDAYS,
        'up to 10 ranges from 00:00 to 24:00, ascending and apart, such as "09:00-12:30, 13:30-17:00", or "" for '
        "closed; what goes past midnight is written as two",
    ),
    "holidays": "the code of a country that the `holidays` package knows, such as TH; without it no day is a holiday",
    "subdivision": "the code of a part of that country that the `holidays` package knows, such as BY for Germany",
    "extra_holidays": f"up to 10000 dates from 1900 to {LAST_CLOSED_YEAR} without a time, such as [2025-12-24]",
    "fallback": "one of low, normal, high and critical that has targets in this policy; normal where it is absent",
    "applies_to": "up to 10000 locations, as events name them, such as hq/guangdong, each in one policy only; the "
    "policy holds for the units below them, and every policy but the default one has some",
    **dict.fromkeys(SEVERITIES, "a table of first_response, resolution and, where wanted, other targets"),
    "first_response": _WORKING,
    "resolution": _WORKING,
    "final_response": f'calendar time in minutes, hours or days of 24 hours, {_DURATION} or "56d", at most 100 years',
    "summary_resolution": 'a number of business days up to 60, such as "3 business days"',
}
"""What is allowed, by the name of a key."""


def seconds_of(duration: str) -> int:
    """The length of a duration's text."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def ranges_of(text: str) -> list[Range]:
    """Opening and closing of each range of a weekday's text, in minutes of the day."""
    times = [int(hour) * 60 + int(minute) for hour, minute in re.findall(r"(\d\d):(\d\d)", text)]
    return list(zip(times[::2], times[1::2], strict=True))
