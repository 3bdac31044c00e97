"""What joins the values of a policy file: rules that one value alone cannot break, and the content they make."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from holidays import country_holidays

from services.projections.complaints.policy import DEFAULT_POLICY
from services.projections.complaints.policy_content import (
    CalendarContent,
    Content,
    PolicyContent,
    TargetsContent,
    closed_days,
)
from services.projections.complaints.policy_tables import (
    ALLOWED,
    SEVERITIES,
    WEEKDAYS,
    CalendarTable,
    File,
    PolicyTable,
    TargetsTable,
    ranges_of,
    seconds_of,
)
from services.projections.complaints.working_calendar import LAST_CLOSED_YEAR
from services.projections.toml_places import Place
from shared.events.data import LOCATION_PATTERN

HOLIDAY_YEARS = range(1970, LAST_CLOSED_YEAR)
"""The years whose holidays a content names; before and after only extra days are closed."""

_LONGEST_WORKING_WEEKS = 520
_LONGEST_CALENDAR_SECONDS = 100 * 366 * 86400
_FIRST_YEAR = 1900

Broken = tuple[Place, Any, str]
"""Where, which value, and what of it."""


def broken_rules(file: File) -> Iterator[Broken]:
    """Values that are well formed and do not go with the others, or mean nothing."""
    for name, calendar in file.calendar.items():
        yield from _broken_in_calendar(("calendar", name), calendar)
    if DEFAULT_POLICY not in file.policy:
        yield ("policy",), ", ".join(file.policy), f"is not all: [policy.{DEFAULT_POLICY}] is missing"
    taken: set[str] = set()
    for name, policy in file.policy.items():
        yield from _broken_in_policy(("policy", name), policy, file)
        yield from _broken_places(("policy", name, "applies_to"), name, policy.applies_to, taken)


def content_of(file: File) -> Content:
    """All that a file without faults promises."""
    return Content(
        {name: _calendar(each) for name, each in file.calendar.items()},
        {name: _policy(each) for name, each in file.policy.items()},
    )


def _broken_in_calendar(place: Place, calendar: CalendarTable) -> Iterator[Broken]:
    if not _is_time_zone(calendar.timezone):
        yield _unlike((*place, "timezone"), calendar.timezone)
    if not any(calendar.hours.values()):
        yield (*place, "hours"), dict(calendar.hours), "never opens, so nothing would ever be due"
    for weekday, text in calendar.hours.items():
        end = 0
        for opening, closing in ranges_of(text):
            if opening >= closing or opening < end:
                yield _unlike((*place, "hours", weekday), text)
                break
            end = closing
    if calendar.holidays is not None and not _known_holidays(calendar.holidays, None):
        yield _unlike((*place, "holidays"), calendar.holidays)
    elif calendar.subdivision is not None and not _known_holidays(calendar.holidays, calendar.subdivision):
        yield _unlike((*place, "subdivision"), calendar.subdivision)
    for number, day in enumerate(calendar.extra_holidays):
        if not _FIRST_YEAR <= day.year <= LAST_CLOSED_YEAR:
            yield _unlike((*place, "extra_holidays", number), day)


def _broken_in_policy(place: Place, policy: PolicyTable, file: File) -> Iterator[Broken]:
    calendar = file.calendar.get(policy.calendar)
    if calendar is None:
        known = ", ".join(file.calendar)
        yield (*place, "calendar"), policy.calendar, f"is no calendar of this file. Allowed: {known}"
    if policy.own(policy.fallback) is None:
        lacking = [severity for severity in SEVERITIES if policy.own(severity) is None]
        if lacking:
            why = f"has no targets in this policy, and {', '.join(lacking)} would need them"
            yield (*place, "fallback"), policy.fallback, f"{why}. Allowed: {ALLOWED['fallback']}"
    week = 0
    if calendar is not None:
        week = sum(end - start for text in calendar.hours.values() for start, end in ranges_of(text)) * 60
    for severity in SEVERITIES:
        if (targets := policy.own(severity)) is not None:
            yield from _broken_targets((*place, severity), targets, week)


def _broken_targets(place: Place, targets: TargetsTable, week: int) -> Iterator[Broken]:
    for name in ("first_response", "resolution"):
        duration: str = getattr(targets, name)
        if week > 0 and seconds_of(duration) > week * _LONGEST_WORKING_WEEKS:
            hours = f"{week / 3600:g}"
            yield (*place, name), duration, f"takes over ten years of a calendar with {hours} hours a week"
    if seconds_of(targets.final_response or "1m") > _LONGEST_CALENDAR_SECONDS:
        yield _unlike((*place, "final_response"), targets.final_response)


def _broken_places(place: Place, name: str, locations: list[str], taken: set[str]) -> Iterator[Broken]:
    if (name == DEFAULT_POLICY) == bool(locations):
        why = (
            "is not for the default policy, which holds for all others" if locations else "names no location"
        )
        yield place, locations, f"{why}. Allowed: {ALLOWED['applies_to']}"
    for number, location in enumerate(locations):
        if location in taken or re.match(LOCATION_PATTERN, location) is None:
            yield _unlike((*place, number), location)
        taken.add(location)


def _unlike(place: Place, value: Any) -> Broken:
    name = next(part for part in reversed(place) if isinstance(part, str))
    return place, value, f"is not allowed. Allowed: {ALLOWED[name]}"


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder, no name at all, or unknown
        return False
    return True


def _known_holidays(country: str | None, subdivision: str | None) -> bool:
    try:
        country_holidays(country or "", subdiv=subdivision)
    except NotImplementedError:
        return False
    return True


def _calendar(calendar: CalendarTable) -> CalendarContent:
    days: set[date] = set(calendar.extra_holidays)
    if calendar.holidays is not None:
        days.update(country_holidays(calendar.holidays, subdiv=calendar.subdivision, years=HOLIDAY_YEARS))
    hours = tuple(tuple(ranges_of(calendar.hours.get(weekday, ""))) for weekday in WEEKDAYS)
    return CalendarContent(calendar.timezone, hours, closed_days(days))


def _policy(policy: PolicyTable) -> PolicyContent:
    targets: dict[str, TargetsContent] = {
        severity: _targets(found)
        for severity in SEVERITIES
        if (found := policy.own(severity) or policy.own(policy.fallback)) is not None
    }
    return PolicyContent(policy.calendar, tuple(sorted(policy.applies_to)), targets)


def _targets(table: TargetsTable) -> TargetsContent:
    return TargetsContent(
        first_response=seconds_of(table.first_response),
        resolution=seconds_of(table.resolution),
        final_response=None if table.final_response is None else seconds_of(table.final_response),
        summary_resolution=None
        if table.summary_resolution is None
        else int(table.summary_resolution.split()[0]),
    )
