"""What conditions compare with: numbers, words, texts, truths, and times that stand still or are told from `as_of`."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from shared.events.vocabulary import DECIMAL_PATTERN, outside_history
from shared.segment_rules.fields import Field, Kind
from shared.segment_rules.refusal import Path, RuleRefusedError
from shared.segment_rules.rule import Operator, Shift, Value

MOST_VALUES: Final = 100
"""How many an `in` may list."""
_LONGEST_TEXT: Final = 512
_BOUNDS: Final[tuple[Operator, ...]] = ("below", "at_most", "above", "at_least")
_PLAIN: Final[tuple[Operator, ...]] = ("is", "in", "known")

OPERATORS: Final[Mapping[Kind, tuple[Operator, ...]]] = {
    "number": (*_PLAIN, *_BOUNDS),
    "whole": (*_PLAIN, *_BOUNDS),
    "word": _PLAIN,
    "text": _PLAIN,
    "texts": ("has", "known"),
    "entry": _PLAIN,
    "date": ("before", "since", "known"),
    "time": ("before", "since", "known"),
    "flag": ("is", "known"),
}
"""What may be asked of each kind of field."""

_MOST_OF_UNIT: Final[Mapping[str, int]] = {"years": 100, "months": 1_200, "weeks": 5_200, "days": 36_500}
_DECIMAL: Final = re.compile(DECIMAL_PATTERN)
_LARGEST: Final = Decimal(10) ** 15
_A_TIME: Final = (
    'a time as RFC 3339 writes it, such as "2026-01-31T08:00:00Z", '
    'or one told from as_of, such as {"ago": {"days": 30}}'
)


def value_of(operator: Operator, given: Any, field: Field, path: Path) -> Value:
    """What a test compares with. Raises `RuleRefusedError` where the field cannot be compared with it."""
    if operator == "known":
        return _truth(given, path)
    if operator in ("before", "since"):
        return _moment(given, path)
    if operator == "in":
        return _several(given, field, path)
    return _single(given, field, path)


def _several(given: Any, field: Field, path: Path) -> frozenset[Decimal | str | bool]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_VALUES:
        raise RuleRefusedError(path, f"not an array of 1 to {MOST_VALUES} values")
    return frozenset(_single(each, field, (*path, place)) for place, each in enumerate(given))


def _single(given: Any, field: Field, path: Path) -> Decimal | str | bool:
    if field.kind in ("number", "whole"):
        return _number(given, field, path)
    if field.kind == "flag":
        return _truth(given, path)
    if field.kind == "entry" and isinstance(given, bool):
        return given
    if field.kind == "entry" and isinstance(given, int):
        return _number(given, field, path)
    if not isinstance(given, str):
        raise RuleRefusedError(path, f"not a {'word' if field.words else 'text'}")
    if field.words and given not in field.words:
        raise RuleRefusedError(path, f"not one of {', '.join(field.words)}")
    if len(given) > _LONGEST_TEXT:
        raise RuleRefusedError(path, f"more than {_LONGEST_TEXT} characters")
    return given


def _truth(given: Any, path: Path) -> bool:
    if not isinstance(given, bool):
        raise RuleRefusedError(path, "not true or false")
    return given


def _number(given: Any, field: Field, path: Path) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise RuleRefusedError(path, "not a number")
    if isinstance(given, str) and not _DECIMAL.match(given):
        raise RuleRefusedError(path, 'not a number, nor a decimal such as "12.50"')
    number = Decimal(str(given))
    if not number.is_finite() or abs(number) >= _LARGEST:
        raise RuleRefusedError(path, "a number out of range")
    if field.kind == "whole" and number != number.to_integral_value():
        raise RuleRefusedError(path, "not a whole number")
    return number


def _moment(given: Any, path: Path) -> datetime | Shift:
    if isinstance(given, str):
        return _time(given, path)
    if not isinstance(given, dict) or len(given) != 1 or next(iter(given)) not in ("ago", "ahead"):
        raise RuleRefusedError(path, f"not {_A_TIME}")
    [(side, units)] = given.items()
    return _shift(units, -1 if side == "ago" else 1, (*path, side))


def _time(given: str, path: Path) -> datetime:
    try:
        parsed = msgspec.convert(given, datetime)
        if parsed.tzinfo is not None and not outside_history(parsed):
            return parsed.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    raise RuleRefusedError(path, f"not {_A_TIME}; between 1900 and 9999, with an offset")


def _shift(units: Any, sign: int, path: Path) -> Shift:
    if not isinstance(units, dict) or not units or not units.keys() <= _MOST_OF_UNIT.keys():
        raise RuleRefusedError(path, f"not an object of {', '.join(_MOST_OF_UNIT)}")
    for unit, count in units.items():
        most = _MOST_OF_UNIT[unit]
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= most:
            raise RuleRefusedError((*path, unit), f"not a whole number from 0 to {most:,}")
    months = 12 * units.get("years", 0) + units.get("months", 0)
    return Shift(sign * months, sign * (7 * units.get("weeks", 0) + units.get("days", 0)))
