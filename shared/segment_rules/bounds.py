"""Conditions that exclude each other, as far as that can be told by looking at them side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from shared.segment_rules.refusal import Path, RuleRefusedError
from shared.segment_rules.rule import Comparison, Condition, Rule, Shift, Value

_Named: TypeAlias = tuple[str, str, str | None, str]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Room:
    """What is left for a field: a range of numbers with open or closed ends, and the values that may be."""

    least: Decimal | None
    least_open: bool
    most: Decimal | None
    most_open: bool
    allowed: frozenset[Decimal | str | bool] | None

    def narrow(self, comparison: Comparison) -> None:
        operator, value = comparison
        if operator in ("above", "at_least") and isinstance(value, Decimal):
            self._raise_least(value, is_open=operator == "above")
        elif operator in ("below", "at_most") and isinstance(value, Decimal):
            self._lower_most(value, is_open=operator == "below")
        elif operator == "since":
            self._raise_least(_placed(value), is_open=False)
        elif operator == "before":
            self._lower_most(_placed(value), is_open=True)
        elif operator == "is" and isinstance(value, Decimal | str | bool):
            self._allow(frozenset({value}))
        elif operator == "in" and isinstance(value, frozenset):
            self._allow(value)

    def is_empty(self) -> bool:
        return self._has_crossed_ends() or (
            self.allowed is not None and not any(self._holds(each) for each in self.allowed)
        )

    def _has_crossed_ends(self) -> bool:
        if self.least is None or self.most is None:
            return False
        return self.least > self.most or (self.least == self.most and (self.least_open or self.most_open))

    def _holds(self, value: Decimal | str | bool) -> bool:  # noqa: FBT001 - one of the values of a field
        if not isinstance(value, Decimal):
            return True
        if self.least is not None and (value < self.least or (self.least_open and value == self.least)):
            return False
        return self.most is None or value < self.most or (not self.most_open and value == self.most)

    def _raise_least(self, value: Decimal, *, is_open: bool) -> None:
        if self.least is None or value > self.least:
            self.least, self.least_open = value, is_open
        elif value == self.least:
            self.least_open = self.least_open or is_open

    def _lower_most(self, value: Decimal, *, is_open: bool) -> None:
        if self.most is None or value < self.most:
            self.most, self.most_open = value, is_open
        elif value == self.most:
            self.most_open = self.most_open or is_open

    def _allow(self, values: frozenset[Decimal | str | bool]) -> None:
        self.allowed = values if self.allowed is None else self.allowed & values


def refuse_contradictions(rules: Sequence[Rule], path: Path) -> None:
    """Raises `RuleRefusedError` at the first of rules that are joined by `all` after which nobody is left."""
    rooms: dict[_Named, _Room] = {}
    for place, rule in enumerate(rules):
        if not isinstance(rule, Condition):
            continue
        field = rule.field
        empty = False
        for comparison in rule.comparisons:
            scale = _scale(comparison)
            if scale is None:
                continue
            named = rule.about, rule.name, rule.key, scale
            room = rooms.setdefault(named, _Room(field.least, False, field.most, False, None))
            room.narrow(comparison)
            empty = empty or room.is_empty()
        if empty:
            at = path if len(rules) == 1 else (*path, place)
            reason = f"no customer can be like this: the conditions on {rule.name} exclude each other"
            if field.least is not None or field.most is not None:
                reason += f"; it lies {_between(field.least, field.most)}"
            raise RuleRefusedError(at, reason)


def _scale(comparison: Comparison) -> str | None:
    """What a value can be held against: times told from `as_of` in days, those told in months, and all else.

    None for a time told in both, which only the calendar can place among others.
    """
    if not isinstance(comparison.value, Shift):
        return ""
    if comparison.value.months:
        return None if comparison.value.days else "months"
    return "days"


def _placed(value: Value) -> Decimal:
    if isinstance(value, datetime):
        return Decimal((value - _EPOCH) // timedelta(microseconds=1))
    if isinstance(value, Shift):
        return Decimal(value.months or value.days)
    raise AssertionError("times alone are compared by since and before")


def _between(least: Decimal | None, most: Decimal | None) -> str:
    if most is None:
        return f"at {least} or above"
    return f"at {most} or below" if least is None else f"between {least} and {most}"
