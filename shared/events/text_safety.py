"""Texts that storage cannot hold, or that are no text at all: NUL characters, lone surrogates, bytes not in
UTF-8.
"""

import json
from collections.abc import Callable
from typing import Any

from shared.events.refusal import SchemaViolationError
from shared.events.violation import Path, violation_at

_NUL = "\0"
_NUL_ESCAPE = b"\\u0000"
_FIRST_SURROGATE, _LAST_SURROGATE = "\ud800", "\udfff"


def refuse_nul(data: bytes, root: str) -> None:
    """Raises `SchemaViolationError` where a text of the JSON in `data` has a NUL, which PostgreSQL cannot
    store.

    Costs next to nothing for JSON without an escaped NUL; JSON has no other way to write one.
    """
    if _NUL_ESCAPE in data:
        try:
            found = _find(json.loads(data), lambda text: _NUL in text)
        except RecursionError:
            raise violation_at(root, (), "nested too deeply") from None
        if found is not None:
            raise violation_at(root, found, "a NUL character, which cannot be stored")


def refusal_of_malformed(data: bytes, root: str) -> SchemaViolationError:
    """Why bytes that msgspec could not read as JSON are refused: wrong UTF-8, lone surrogates, or no JSON."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return violation_at(root, (), f"not UTF-8 at byte {error.start}")
    try:
        found = _find(json.loads(text), _has_lone_surrogate)
    except RecursionError:
        return violation_at(root, (), "nested too deeply")
    except ValueError:
        return violation_at(root, (), "not valid JSON")
    if found is None:
        return violation_at(root, (), "not valid JSON, or nested too deeply")
    return violation_at(root, found, "half of a surrogate pair (\\ud800 to \\udfff), which is no character")


def _has_lone_surrogate(text: str) -> bool:
    return any(_FIRST_SURROGATE <= character <= _LAST_SURROGATE for character in text)


def _find(event: Any, bad: Callable[[str], bool]) -> Path | None:
    """The path of the first bad text; a bad name counts as its object, for it cannot be shown."""
    waiting: list[tuple[Path, Any]] = [((), event)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            if bad(value):
                return path
        elif isinstance(value, dict):
            if any(bad(name) for name in value):
                return path
            waiting.extend(((*path, name), member) for name, member in reversed(value.items()))
        elif isinstance(value, list):
            waiting.extend(((*path, index), value[index]) for index in reversed(range(len(value))))
    return None
