"""Reads complaint policies from their TOML file, strictly; says where what is wrong stands, and what is allowed."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.projections.complaints.policy_content import Content, text_of
from services.projections.complaints.policy_rules import broken_rules, content_of
from services.projections.complaints.policy_tables import ALLOWED, File
from services.projections.loyalty.toml_places import Place, line_of, place_of

DEFAULT_FILE = "default_policies.toml"
"""The policies of a deployment that names no file, beside this module."""

_MOST_PROBLEMS = 20
_LONGEST_VALUE = 80
_ADAPTER = TypeAdapter(File)


class PolicyFileError(Exception):
    """A policy file that cannot be used; for each fault its place, its value and what is allowed."""


def load(path: Path) -> str:
    """The content of a file, as it is registered. Raises `PolicyFileError`, also where it cannot be read. Blocks."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PolicyFileError(f"the complaint policy file {path} cannot be read: {reason}") from None
    return parse(text, str(path))


def default_text() -> str:
    """The policy file that comes with the service."""
    return resources.files(__package__).joinpath(DEFAULT_FILE).read_text(encoding="utf-8")


def parse(text: str, name: str) -> str:
    """The content of a file's text (`policy_content`); `name` is what errors call it. Raises `PolicyFileError`."""
    return text_of(_content(text, name))


def _content(text: str, name: str) -> Content:
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyFileError(f"the complaint policy file {name} is no TOML: {error}") from None
    try:
        file = _ADAPTER.validate_python(given)
    except ValidationError as error:
        found = [_worded(each["type"], tuple(each["loc"]), each["input"]) for each in error.errors()]
        raise _refused(name, text, found) from None
    if broken := [(place, f"{_written(value)} {why}") for place, value, why in broken_rules(file)]:
        raise _refused(name, text, broken)
    return content_of(file)


def _worded(fault: str, place: Place, value: Any) -> tuple[Place, str]:
    if place and place[-1] == "[key]":  # pydantic's mark for the name of a table
        place = place[:-1]
        return place, f"a name that is not allowed. Allowed: {ALLOWED[str(place[-2])]}"
    name = next((part for part in reversed(place) if isinstance(part, str)), "")
    if fault == "missing":
        return place, f"is missing. Allowed: {ALLOWED.get(name, 'a table')}"
    if fault == "extra_forbidden":
        return place, "is not known; every key of the file has a meaning, so it may be misspelt"
    return place, f"{_written(value)} is not allowed. Allowed: {ALLOWED.get(name, 'a table')}"


def _written(value: Any) -> str:
    written = repr(value) if isinstance(value, str) else str(value)
    return written if len(written) <= _LONGEST_VALUE else written[:_LONGEST_VALUE] + "…"


def _refused(name: str, text: str, found: list[tuple[Place, str]]) -> PolicyFileError:
    lines = []
    for place, sentence in found[:_MOST_PROBLEMS]:
        line = line_of(text, place)
        where = f"{name}, line {line}" if line else name
        lines.append(f"  {where}: {place_of(place)}: {sentence}")
    if len(found) > _MOST_PROBLEMS:
        lines.append(f"  and {len(found) - _MOST_PROBLEMS} more")
    return PolicyFileError("\n".join(["the complaint policy file is wrong:", *lines]))
