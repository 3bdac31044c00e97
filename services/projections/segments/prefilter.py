"""A rule as SQL over stored scores: who cannot be in the segment is left out before anything of theirs is read."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias, assert_never

from services.projections.segments.moments import AsOf, moment_of
from shared.segment_rules.rule import All, AnyOf, Comparison, Condition, Not, Rule, Shift, conditions_of

_COMPARED: Final = {"below": "<", "at_most": "<=", "above": ">", "at_least": ">=", "is": "="}
_Parameter: TypeAlias = Callable[[Any], str]


class Prefilter(NamedTuple):
    """A condition in SQL on the alias `scores`, with what its parameters stand for, in order.

    `exact` is whether it holds of just those of whom the rule does; else it holds of others too.
    """

    condition: str
    arguments: tuple[Any, ...]
    exact: bool


def prefilter_of(rule: Rule, as_of: AsOf, first: int) -> Prefilter:
    """The condition on rows of scores that are those of `as_of`; its parameters are numbered from `first`.

    What is said of consents and of the profile is taken to be so where that keeps more, behind `not` to be not so.
    """
    arguments: list[Any] = []

    def parameter(value: Any) -> str:
        arguments.append(value)
        return f"${first + len(arguments) - 1}"

    condition = _condition(rule, as_of, parameter, generous=True)
    exact = all(each.about == "score" for each in conditions_of(rule))
    return Prefilter(condition, tuple(arguments), exact)


def _condition(rule: Rule, as_of: AsOf, parameter: _Parameter, *, generous: bool) -> str:
    match rule:
        case All(rules) | AnyOf(rules):
            word = " and " if isinstance(rule, All) else " or "
            return f"({word.join(_condition(each, as_of, parameter, generous=generous) for each in rules)})"
        case Not(negated):
            return f"(not {_condition(negated, as_of, parameter, generous=not generous)})"
        case Condition():
            if rule.about != "score":
                return "true" if generous else "false"
            return f"({' and '.join(_said(rule, each, as_of, parameter) for each in rule.comparisons)})"
        case _:
            assert_never(rule)


def _said(condition: Condition, comparison: Comparison, as_of: AsOf, parameter: _Parameter) -> str:
    """One comparison, never null: what is not known meets none."""
    column = f"scores.{condition.name}"
    if comparison.operator == "known":
        return f"({column} is {'not ' if comparison.value else ''}null)"
    return f"coalesce({_compared(column, condition, comparison, as_of, parameter)}, false)"


def _compared(
    column: str, condition: Condition, comparison: Comparison, as_of: AsOf, parameter: _Parameter
) -> str:
    operator, value = comparison
    if isinstance(value, datetime | Shift):
        sign, moment = "<" if operator == "before" else ">=", moment_of(value, as_of)
        if condition.field.kind == "date":
            return f"{column} {sign} {parameter(moment.astimezone(as_of.zone).date())}::date"
        return f"{column} {sign} {parameter(moment)}::timestamptz"
    kind = "numeric" if condition.field.kind in ("number", "whole") else "text"
    if isinstance(value, frozenset):
        return f"{column}::{kind} = any({parameter(sorted(value, key=str))}::{kind}[])"
    if isinstance(value, Decimal):
        return f"{column}::numeric {_COMPARED[operator]} {parameter(value)}::numeric"
    return f"{column} = {parameter(value)}::text"
