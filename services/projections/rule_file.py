"""Reads a TOML file of rules strictly, and says of each fault where it stands and what is allowed there."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from services.projections.toml_places import Place, line_of, place_of

_MOST_PROBLEMS = 20
_LONGEST_VALUE = 80

Tables = TypeVar("Tables")


class RuleFileError(Exception):
    """A file of rules that cannot be used; for each fault its place, its value and what is allowed."""


class RuleFile(Generic[Tables]):
    """One kind of file: what people call it, the shape of its tables, and what is allowed, by key.

    For the name of a table `allowed` has the name of the table that it stands in, and `TABLE.*` for what stands in a
    table under names of the author's own.
    """

    def __init__(self, called: str, shape: TypeAdapter[Tables], allowed: Mapping[str, str]) -> None:
        self._called = called
        self._shape = shape
        self._allowed = allowed

    def text(self, path: Path) -> str:
        """What stands in a file. Raises `RuleFileError` where it cannot be read. Blocks."""
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise RuleFileError(f"{self._called} {path} cannot be read: {reason}") from None

    def tables(self, text: str, name: str) -> Tables:
        """The tables of a file's text; `name` is what errors call it. Raises `RuleFileError`."""
        try:
            given = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RuleFileError(f"{self._called} {name} is no TOML: {error}") from None
        try:
            return self._shape.validate_python(given)
        except ValidationError as error:
            found = [self._worded(each["type"], tuple(each["loc"]), each["input"]) for each in error.errors()]
            raise self.refused(name, text, found) from None

    def not_allowed(self, place: Place, value: Any) -> str:
        """The sentence for a value that is well formed and does not do."""
        return f"{written(value)} is not allowed. Allowed: {self._allowed_at(place)}"

    def refused(self, name: str, text: str, found: Sequence[tuple[Place, str]]) -> RuleFileError:
        """The error for faults, each a place and a sentence; the first 20 are told."""
        lines = []
        for place, sentence in found[:_MOST_PROBLEMS]:
            line = line_of(text, place)
            where = f"{name}, line {line}" if line else name
            lines.append(f"  {where}: {place_of(place)}: {sentence}")
        if len(found) > _MOST_PROBLEMS:
            lines.append(f"  and {len(found) - _MOST_PROBLEMS} more")
        return RuleFileError("\n".join([f"{self._called} is wrong:", *lines]))

    def _worded(self, fault: str, place: Place, value: Any) -> tuple[Place, str]:
        if place and place[-1] == "[key]":  # pydantic's mark for the name of a table
            place = place[:-1]
            return place, f"a name that is not allowed. Allowed: {self._allowed[str(place[-2])]}"
        if fault == "missing":
            return place, f"is missing. Allowed: {self._allowed_at(place)}"
        if fault == "extra_forbidden":
            return place, "is not known; every key of the file has a meaning, so it may be misspelt"
        return place, self.not_allowed(place, value)

    def _allowed_at(self, place: Place) -> str:
        named = [part for part in place if isinstance(part, str)]
        key, table = (*reversed(named), "", "")[:2]
        return self._allowed.get(key) or self._allowed.get(f"{table}.*") or "a table"


def written(value: Any) -> str:
    """A value as an error shows it, cut after 80 characters."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
