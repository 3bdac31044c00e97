"""The whole content of policies as a text that outlives their file: holidays are days in it, not a country's name.

So a case that was opened under it is judged the same whatever becomes of the file, or of what is known of holidays.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, json, to_builtins

from services.projections.complaints.policy import Policies, Policy, Targets
from services.projections.complaints.working_calendar import WorkingCalendar

_VERSION_DIGITS = 16


class CalendarContent(Struct, frozen=True):
    """A calendar: ranges in minutes of the day for each weekday from Monday; closed days, MMDD, by year."""

    timezone: str
    hours: tuple[tuple[tuple[int, int], ...], ...]
    closed: Mapping[str, str]


class TargetsContent(Struct, frozen=True):
    """Targets in seconds, and in business days."""

    first_response: int
    resolution: int
    final_response: int | None = None
    summary_resolution: int | None = None


class PolicyContent(Struct, frozen=True):
    """A policy with targets for every severity."""

    calendar: str
    applies_to: tuple[str, ...]
    targets: Mapping[str, TargetsContent]


class Content(Struct, frozen=True):
    """All that policies promise."""

    calendars: Mapping[str, CalendarContent]
    policies: Mapping[str, PolicyContent]


_decoder = json.Decoder(Content)


def text_of(content: Content) -> str:
    """The same text for the same promises, whatever order they were written in."""
    return json.encode(to_builtins(content, order="sorted"), order="sorted").decode()


def version_of(text: str) -> str:
    """The version of a content's text: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(text.encode()).hexdigest()[:_VERSION_DIGITS]


def policies_of(text: str) -> Policies:
    """The policies of a content's text. Raises `ValueError` for a text that `text_of` did not make."""
    content = _decoder.decode(text)
    calendars = {
        name: WorkingCalendar(name, ZoneInfo(each.timezone), each.hours, days_of(each.closed))
        for name, each in content.calendars.items()
    }
    policies = {
        name: Policy(name, calendars[each.calendar], each.applies_to, _targets(each))
        for name, each in content.policies.items()
    }
    return Policies(version_of(text), calendars, policies)


def closed_days(days: Iterable[date]) -> dict[str, str]:
    """Days as a content keeps them."""
    by_year: dict[str, list[str]] = {}
    for day in sorted(set(days)):
        by_year.setdefault(str(day.year), []).append(f"{day.month:02}{day.day:02}")
    return {year: " ".join(found) for year, found in by_year.items()}


def days_of(closed: Mapping[str, str]) -> list[date]:
    """Days from a content."""
    return [
        date(int(year), int(day[:2]), int(day[2:])) for year, found in closed.items() for day in found.split()
    ]


def _targets(policy: PolicyContent) -> dict[Any, Targets]:
    return {
        severity: Targets(each.first_response, each.resolution, each.final_response, each.summary_resolution)
        for severity, each in policy.targets.items()
    }
