"""From what msgspec says about a wrong event to what its sender reads: a detail and a JSON pointer."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, inspect

from shared.events.data import BrokenRuleError
from shared.events.refusal import BadIdentifierError, EventRefusedError, SchemaViolationError
from shared.events.vocabulary import (
    DECIMAL_PATTERN,
    NOT_NEGATIVE_PATTERN,
    POSITIVE_PATTERN,
)

Path = tuple[str | int, ...]
"""Field names and list indices from the event's root."""

_LONGEST_NAME = 64
_LARGEST_SEARCHED_BYTES = 8192
_ANY_ENTRY = "..."
_AT = re.compile(r" - at (?P<name>`key` in )?`(?P<path>\$[^`]*)`\Z")
_STEP = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+|\.\.\.)\]")
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<name>.*)`\Z", re.DOTALL)
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<name>\w+)`\Z")
_LENGTH = re.compile(r"Expected `(?P<kind>str|array|object)` of length (?P<sign><=|>=|) ?(?P<bound>\d+)\Z")
_RANGE = re.compile(r"Expected `int` (?P<sign><=|>=) (?P<bound>-?\d+)\Z")
_TYPES = re.compile(r"Expected `(?P<expected>[a-z |]+)`, got `(?P<got>[a-z]+)`\Z")
_PATTERN = re.compile(r"Expected `str` matching regex ")

_SIGN_REASONS = {NOT_NEGATIVE_PATTERN: "must be 0 or more", POSITIVE_PATTERN: "must be more than 0"}
_DECIMAL = re.compile(DECIMAL_PATTERN)
_UNITS = {"str": "characters", "array": "items", "object": "entries"}
_WORDS = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number with a fraction",
    "bool": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
    "datetime": "a time in a string",
}
_FIXED_REASONS = {
    "Expected `datetime` with a timezone component": "a time without an offset; end it in Z or +07:00",
    "Invalid RFC3339 encoded datetime": "not a time as RFC 3339 writes it, such as 2024-05-01T12:00:00Z",
    "Number out of range": "a number out of range",
}


def refusal_of(
    error: msgspec.ValidationError, struct: type[Struct], root: str, data: bytes
) -> EventRefusedError:
    """Why `data`, JSON that was to become a `struct`, is refused.

    `root` is where the struct stands in the event: `data`, or the empty string for the event itself. The
    detail begins with the dotted path of what is wrong. No value of the event is repeated, for it may be
    personal.
    """
    message = str(error)
    at = _AT.search(message)
    path = _path(at["path"]) if at else ()
    message = message[: at.start()] if at else message
    path = _with_entry_named(path, str(error), struct, data)
    rule = error.__cause__
    if isinstance(rule, BrokenRuleError):
        path += _steps(rule.path)
        refused = BadIdentifierError if rule.code == BadIdentifierError.code else SchemaViolationError
        return _refusal(refused, root, path, rule.reason)
    for pattern, reason in ((_UNKNOWN_FIELD, "unknown field"), (_MISSING_FIELD, "required")):
        match = pattern.match(message)
        if match:
            return _refusal(SchemaViolationError, root, (*path, match["name"]), reason)
    reason = _reason(message, _type_at(struct, path), _at(_parsed(data), path))
    if at and at["name"]:
        reason += " in a name"
    return _refusal(SchemaViolationError, root, path, reason)


def violation_at(root: str, path: Path, reason: str) -> SchemaViolationError:
    """A schema violation for `reason` at a path below `root`."""
    refusal = _refusal(SchemaViolationError, root, path, reason)
    assert isinstance(refusal, SchemaViolationError)  # noqa: S101 - tells the type checker what was just made
    return refusal


def _refusal(
    refused: type[SchemaViolationError | BadIdentifierError], root: str, path: Path, reason: str
) -> EventRefusedError:
    dotted = root
    pointer = f"/{root}" if root else ""
    for step in path:
        if isinstance(step, int):
            dotted += f"[{step}]"
        elif len(step) > _LONGEST_NAME:
            # Only a sender's own name is that long; the pointer then ends at the object that holds it.
            dotted += f".{step[:_LONGEST_NAME]}…"
            break
        else:
            dotted += f".{step}" if dotted else step
        pointer += "/" + str(step).replace("~", "~0").replace("/", "~1")
    return refused(f"{dotted or 'event'}: {reason}", pointer)


def _steps(dotted: str) -> Path:
    """The steps of a rule's path; a number is a place in an array."""
    return tuple(int(step) if step.isdigit() else step for step in dotted.split(".")) if dotted else ()


def _path(written: str) -> Path:
    steps: list[str | int] = []
    for step in _STEP.finditer(written):
        index = step["index"]
        if index is None:
            steps.append(step["field"])
        else:
            steps.append(_ANY_ENTRY if index == _ANY_ENTRY else int(index))
    return tuple(steps)


def _with_entry_named(path: Path, message: str, struct: type[Struct], data: bytes) -> Path:
    """The path with the wrong entry's key for `[...]`, msgspec's word for any entry of a map.

    It is found by trying each entry alone; where the event is too long for that, the path ends at the map.
    """
    if _ANY_ENTRY not in path:
        return path
    before = path[: path.index(_ANY_ENTRY)]
    event = _parsed(data) if len(data) <= _LARGEST_SEARCHED_BYTES else None
    holder, entries = _at(event, before[:-1]), _at(event, before)
    if isinstance(holder, dict) and isinstance(entries, dict):
        for key, value in entries.items():
            holder[before[-1]] = {key: value}
            try:
                msgspec.json.decode(msgspec.json.encode(event), type=struct)
            except msgspec.ValidationError as alone:
                if str(alone) == message:
                    return (*before, key)
    return before


def _parsed(data: bytes) -> Any:
    """The JSON value of `data`, None where it breaks off after what was wrong first."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _at(value: Any, path: Path) -> Any:
    """What a path leads to; None where it leads nowhere, as it may where a name stands twice in an object."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _reason(message: str, expected: inspect.Type | None, value: Any) -> str:
    if message in _FIXED_REASONS:
        return _FIXED_REASONS[message]
    if message.startswith("Invalid enum value"):
        return f"not one of {', '.join(str(value) for value in _choices(expected))}"
    options = _options(expected)
    if _PATTERN.match(message) or (_TYPES.match(message) and len(options) == 1):
        for otherwise, pattern in _forms(expected):
            if pattern in _SIGN_REASONS and isinstance(value, str) and _DECIMAL.match(value):
                return _SIGN_REASONS[pattern]
            return otherwise
    for translate in (_length_reason, _range_reason, _type_reason):
        reason = translate(message)
        if reason:
            return reason
    return message


def _length_reason(message: str) -> str | None:
    match = _LENGTH.match(message)
    if match is None:
        return None
    if match["sign"] == ">=" and match["bound"] == "1":
        return "must not be empty"
    words = {"<=": "more than", ">=": "fewer than", "": "not exactly"}
    return f"{words[match['sign']]} {match['bound']} {_UNITS[match['kind']]}"


def _range_reason(message: str) -> str | None:
    match = _RANGE.match(message)
    return match and f"{'more' if match['sign'] == '<=' else 'less'} than {match['bound']}"


def _type_reason(message: str) -> str | None:
    match = _TYPES.match(message)
    if match is None:
        return None
    expected = [_WORDS.get(word, word) for word in match["expected"].split(" | ") if word != "null"]
    return f"expected {' or '.join(expected)}, got {_WORDS.get(match['got'], match['got'])}"


def _type_at(struct: type[Struct], path: Path) -> inspect.Type | None:
    """The declared type that a path leads to; None where it leads through no declared field."""
    current: inspect.Type | None = inspect.type_info(struct)
    for step in path:
        current = next((below for option in _options(current) if (below := _below(option, step))), None)
    return current


def _below(declared: inspect.Type, step: str | int) -> inspect.Type | None:
    if isinstance(declared, inspect.StructType):
        return next((field.type for field in declared.fields if field.encode_name == step), None)
    if isinstance(declared, inspect.VarTupleType):
        return declared.item_type
    return declared.value_type if isinstance(declared, inspect.DictType) else None


def _options(declared: inspect.Type | None) -> tuple[inspect.Type, ...]:
    """The members of a union without their marks; the type itself where it is none."""
    while isinstance(declared, inspect.Metadata):
        declared = declared.type
    if isinstance(declared, inspect.UnionType):
        return tuple(member for each in declared.types for member in _options(each))
    return () if declared is None else (declared,)


def _forms(declared: inspect.Type | None) -> Iterator[tuple[str, str | None]]:
    """What to say of another text, with the pattern, for each member whose texts have a form."""
    members = declared.types if isinstance(declared, inspect.UnionType) else (declared,)
    for member in members:
        if isinstance(member, inspect.Metadata) and "otherwise" in (member.extra or {}):
            yield from (
                (str((member.extra or {})["otherwise"]), getattr(each, "pattern", None))
                for each in _options(member)
            )


def _choices(declared: inspect.Type | None) -> tuple[Any, ...]:
    return tuple(
        value
        for option in _options(declared)
        if isinstance(option, inspect.LiteralType)
        for value in option.values
    )
