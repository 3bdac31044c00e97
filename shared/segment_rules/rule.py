"""A segment's rule once it is read: a tree of conditions, small enough to be walked without a thought."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias, assert_never

from shared.events.vocabulary import PersonalCategory
from shared.segment_rules.fields import FIELDS, About, Field

Operator = Literal["is", "in", "has", "known", "below", "at_most", "above", "at_least", "before", "since"]


class Shift(NamedTuple):
    """A time that is told from `as_of`: so many calendar months and days from it, in the zone, negative for ago."""

    months: int
    days: int


Value: TypeAlias = Decimal | str | bool | datetime | Shift | frozenset[Decimal | str | bool]


class Comparison(NamedTuple):
    """One comparison of a field with a value."""

    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Condition:
    """All comparisons hold of a field. `key` is the entry of a map, or the channel of a consent."""

    about: About
    name: str
    key: str | None
    comparisons: tuple[Comparison, ...]

    @property
    def field(self) -> Field:
        """What the field is."""
        return FIELDS[self.about][self.name]


@dataclass(frozen=True, slots=True)
class All:
    """All of some rules."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of some rules."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What a rule does not hold of."""

    rule: "Rule"


Rule: TypeAlias = All | AnyOf | Not | Condition


def conditions_of(rule: Rule) -> Iterator[Condition]:
    """Every condition of a rule."""
    match rule:
        case Condition():
            yield rule
        case All(rules) | AnyOf(rules):
            for each in rules:
                yield from conditions_of(each)
        case Not(negated):
            yield from conditions_of(negated)
        case _:
            assert_never(rule)


def categories_of(rule: Rule) -> set[PersonalCategory]:
    """The categories of personal data that a rule looks at."""
    found = (each.field.category for each in conditions_of(rule))
    return {each for each in found if each is not None}
