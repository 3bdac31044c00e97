"""Whether a rule holds of a customer: pure, and in time that the rule's bounded size bounds.

A condition on something that is not known does not hold, so `not` of it does. What is sealed is neither until it is
opened: the rule is then undecided, unless the rest of it decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, NamedTuple, assert_never

from services.projections.read_models.consents import ALL_CHANNELS, Consent, is_granted
from services.projections.segments.moments import AsOf, moment_of
from shared.segment_rules.rule import All, AnyOf, Comparison, Condition, Not, Rule, Shift


class Closed(Enum):
    """Stands for a value that is sealed, and was not opened yet."""

    CLOSED = "closed"


CLOSED: Final = Closed.CLOSED


class Facts(NamedTuple):
    """What is known of a customer: scores and attributes by name, None or absent where not known, and consents."""

    scores: Mapping[str, Any]
    profile: Mapping[str, Any]
    consents: Sequence[Consent]


def judged(rule: Rule, facts: Facts, as_of: AsOf) -> bool | None:
    """Whether the rule holds; None where that depends on what is closed."""
    match rule:
        case All(rules):
            return _joined((judged(each, facts, as_of) for each in rules), decisive=False)
        case AnyOf(rules):
            return _joined((judged(each, facts, as_of) for each in rules), decisive=True)
        case Not(negated):
            verdict = judged(negated, facts, as_of)
            return None if verdict is None else not verdict
        case Condition():
            value = _value_of(rule, facts)
            if value is CLOSED:
                return None
            return all(_holds(comparison, value, as_of) for comparison in rule.comparisons)
        case _:
            assert_never(rule)


def _joined(verdicts: Iterable[bool | None], *, decisive: bool) -> bool | None:
    undecided = False
    for verdict in verdicts:
        if verdict is decisive:
            return decisive
        undecided = undecided or verdict is None
    return None if undecided else not decisive


def _value_of(condition: Condition, facts: Facts) -> Any:
    if condition.about == "score":
        return facts.scores.get(condition.name)
    if condition.about == "consent":
        named = next((each["purpose"] for each in facts.consents if each["purpose"] == condition.name), None)
        return None if named is None else is_granted(facts.consents, named, condition.key or ALL_CHANNELS)
    value = facts.profile.get(condition.name)
    if condition.key is None or not isinstance(value, Mapping):
        return value
    return value.get(condition.key)


def _holds(comparison: Comparison, value: Any, as_of: AsOf) -> bool:
    operator, wanted = comparison
    if operator == "known":
        return (value is not None) == wanted
    if value is None:
        return False
    match wanted:
        case datetime() | Shift():
            return _is_before(value, moment_of(wanted, as_of), as_of) == (operator == "before")
        case frozenset():
            return any(_same(value, each) for each in wanted)
        case Decimal() if operator != "is":
            return _within(operator, _number(value), wanted)
        case _:
            return wanted in value if operator == "has" else _same(value, wanted)


def _is_before(value: date, moment: datetime, as_of: AsOf) -> bool:
    """A time is before a moment; a day is where it ended before the moment's day began, in the zone."""
    if isinstance(value, datetime):
        return value < moment
    return value < moment.astimezone(as_of.zone).date()


def _same(value: Any, wanted: Any) -> bool:
    """Whether they are equal; 1 is not true."""
    if isinstance(wanted, Decimal):
        return (
            isinstance(value, int | float | Decimal)
            and not isinstance(value, bool)
            and _number(value) == wanted
        )
    return isinstance(value, type(wanted)) and bool(value == wanted)


def _number(value: Any) -> Decimal:
    """A float to 15 digits, as PostgreSQL makes a decimal of it, so that 0.7 is not below 0.7."""
    return Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value)


def _within(operator: str, value: Decimal, bound: Decimal) -> bool:
    match operator:
        case "below":
            return value < bound
        case "at_most":
            return value <= bound
        case "above":
            return value > bound
        case "at_least":
            return value >= bound
        case _:
            raise AssertionError(f"{operator} is no comparison of numbers")
