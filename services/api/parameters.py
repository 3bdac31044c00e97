"""Query parameters: known ones only, each at most once, refused with the name and what is allowed."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from shared.http.problems import Problem

T = TypeVar("T")

_MOST_PARAMETERS: Final = 64
_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_SHOWN_CHARACTERS: Final = 40


def invalid_parameter(name: str, reason: str) -> Problem:
    """The problem 422 `invalid_parameter`, for a person and for a program."""
    errors = [{"in": "query", "parameter": name, "reason": reason}]
    return Problem(422, "invalid_parameter", f"query {name}: {reason}", errors=errors)


def query_parameters(query_string: bytes, known: Collection[str]) -> Mapping[str, str]:
    """The parameters by name. Raises the problem 422 for one that is not `known`, repeated, or not UTF-8."""
    if not query_string:
        return {}
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise invalid_parameter("(all)", "not readable as percent-encoded UTF-8 pairs, at most 64") from None
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise invalid_parameter(
                name[:_SHOWN_CHARACTERS], f"not a parameter here; known: {', '.join(known) or 'none'}"
            )
        if name in parameters:
            raise invalid_parameter(name, "given twice")
        parameters[name] = value
    return parameters


def one_of(name: str, value: str | None, allowed: Collection[str]) -> str | None:
    """The value, checked against what is allowed."""
    if value is not None and value not in allowed:
        raise invalid_parameter(name, f"not {value[:_SHOWN_CHARACTERS]!r}; one of {', '.join(allowed)}")
    return value


def whole_number(name: str, value: str | None, least: int, most: int, default: int) -> int:
    """The number, `default` where absent."""
    if value is None:
        return default
    if not _WHOLE_NUMBER.fullmatch(value) or not least <= int(value) <= most:
        raise invalid_parameter(
            name, f"not {value[:_SHOWN_CHARACTERS]!r}; a whole number from {least} to {most}"
        )
    return int(value)


def moment(name: str, value: str | None) -> datetime | None:
    """The moment in UTC that an RFC 3339 time with an offset means."""
    if value is None:
        return None
    try:
        # An offset's plus sign that was not percent-encoded arrives as a blank.
        parsed = msgspec.convert(value[:10] + value[10:].replace(" ", "+"), datetime)
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    reason = (
        f"not {value[:_SHOWN_CHARACTERS]!r}; an RFC 3339 time with an offset, such as 2026-01-31T08:00:00Z"
    )
    raise invalid_parameter(name, reason)


def required(name: str, value: T | None) -> T:
    """The value, which must be there."""
    if value is None:
        raise invalid_parameter(name, "required here")
    return value


def flag(name: str, value: str | None) -> bool | None:
    """Whether it is `true`, or `false`."""
    given = one_of(name, value, ("true", "false"))
    return None if given is None else given == "true"


def given_id(name: str, value: str | None, most: int) -> str | None:
    """The value, checked to be one that an id can have: not empty, at most so many characters, none of them NUL."""
    if value is not None and (not value or len(value) > most or "\0" in value):
        raise invalid_parameter(
            name, f"not {value[:_SHOWN_CHARACTERS]!r}; 1 to {most} characters, none of them NUL"
        )
    return value


def in_order(since: tuple[str, datetime | None], until: tuple[str, datetime | None]) -> None:
    """Refuses a time that ends before it begins."""
    (first_name, first), (last_name, last) = since, until
    if first is not None and last is not None and first > last:
        raise invalid_parameter(last_name, f"before {first_name}; give a time that is not earlier")
