"""Reads a segment's rule from JSON, and says of a wrong one where it is wrong and what would do.

A rule names no other segment, so none can go round in circles, and it is bounded, so that each comes to an end.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final, get_args

from shared.segment_rules.bounds import refuse_contradictions
from shared.segment_rules.fields import CHANNELS, FIELDS, MAP, About, Field
from shared.segment_rules.refusal import Path, RuleRefusedError
from shared.segment_rules.rule import All, AnyOf, Comparison, Condition, Not, Operator, Rule
from shared.segment_rules.values import OPERATORS, value_of

DEEPEST: Final = 8
"""How many rules may stand in each other."""
MOST_CONDITIONS: Final = 64
MOST_RULES: Final = 32
"""How many rules an `all` or `any` may join."""
_LONGEST_NAME: Final = 64
_NEAR: Final = 0.5
_JOINING: Final = ("all", "any", "not")
_ABOUT: Final[tuple[About, ...]] = get_args(About)
_KNOWN: Final = (*_JOINING, *_ABOUT)


class _Reading:
    """The reading of one rule. Counts its conditions."""

    def __init__(self) -> None:
        self._conditions = 0

    def rule(self, given: Any, path: Path, depth: int) -> Rule:
        if depth > DEEPEST:
            raise RuleRefusedError(path, f"more than {DEEPEST} rules stand in each other; flatten it")
        if not isinstance(given, dict):
            raise RuleRefusedError(path, f"not an object with one of {', '.join(_KNOWN)}")
        head = self._head(given, path)
        if head in ("score", "profile", "consent"):
            self._conditions += 1
            if self._conditions > MOST_CONDITIONS:
                raise RuleRefusedError(
                    path, f"more than {MOST_CONDITIONS} conditions; make two segments of it"
                )
            return condition_of(given, head, path)
        if len(given) > 1:
            raise RuleRefusedError(path, f"{head} stands alone in its object")
        if head == "not":
            return Not(self.rule(given["not"], (*path, "not"), depth + 1))
        rules = self._rules(given[head], (*path, head), depth)
        if head == "any":
            return AnyOf(rules)
        refuse_contradictions(rules, (*path, head))
        return All(rules)

    def _head(self, given: Mapping[str, Any], path: Path) -> Any:
        heads = [name for name in _KNOWN if name in given]
        if len(heads) == 1:
            return heads[0]
        if heads:
            raise RuleRefusedError(
                path, f"{' and '.join(heads)} stand in one object; join them by all or any"
            )
        if "segment" in given:
            reason = "a rule names no other segment, or two could wait for each other for ever; repeat its rule here"
            raise RuleRefusedError((*path, "segment"), reason)
        if not given:
            raise RuleRefusedError(path, f"empty; it takes one of {', '.join(_KNOWN)}")
        raise unknown(
            next(iter(given)), _KNOWN, path, "neither a way to join rules nor something to ask about"
        )

    def _rules(self, given: Any, path: Path, depth: int) -> tuple[Rule, ...]:
        if not isinstance(given, list) or not given:
            raise RuleRefusedError(path, "not an array of one rule or more")
        if len(given) > MOST_RULES:
            raise RuleRefusedError(path, f"more than {MOST_RULES} rules side by side")
        return tuple(self.rule(each, (*path, place), depth + 1) for place, each in enumerate(given))


def rule_of(given: Any) -> Rule:
    """The rule. Raises `RuleRefusedError`; cost is bounded, whatever is given."""
    return _Reading().rule(given, (), 1)


def condition_of(given: Mapping[str, Any], about: About, path: Path) -> Condition:
    """The condition of an object about a score, an attribute or a consent. Raises `RuleRefusedError`."""
    name, key = _named(given[about], about, (*path, about))
    field = FIELDS[about][name]
    operators = OPERATORS[field.kind]
    others = [each for each in given if each != about]
    if about == "consent" and "channel" in given:
        others.remove("channel")
        key = given["channel"]
        if key not in CHANNELS:
            raise RuleRefusedError((*path, "channel"), f"not one of {', '.join(CHANNELS)}")
    comparisons: list[Comparison] = []
    for each in others:
        operator = next((known for known in operators if known == each), None)
        if operator is None:
            raise unknown(each, operators, path, f"nothing that can be asked of {name}")
        comparisons.append(Comparison(operator, value_of(operator, given[each], field, (*path, each))))
    if not comparisons:
        raise RuleRefusedError(path, f"asks nothing of {name}; it takes one of {', '.join(operators)}")
    _refuse_odd_pairs([each.operator for each in comparisons], path)
    condition = Condition(about, name, key, tuple(comparisons))
    refuse_contradictions((condition,), path)
    return condition


def _named(given: Any, about: About, path: Path) -> tuple[str, str | None]:
    fields: Mapping[str, Field] = FIELDS[about]
    if not isinstance(given, str):
        raise RuleRefusedError(path, f"not the name of a {about}")
    name, dot, key = given.partition(".")
    if about == "profile" and name == MAP:
        if not key:
            raise RuleRefusedError(path, f"names all of {MAP}; name one, such as {MAP}.newspaper")
        if len(key) > _LONGEST_NAME:
            raise RuleRefusedError(path, f"an entry's name has at most {_LONGEST_NAME} characters")
        return name, key
    if dot or given not in fields:
        raise unknown(given, fields, path, f"no {about} that is known", at_value=True)
    return name, None


def _refuse_odd_pairs(operators: Collection[Operator], path: Path) -> None:
    bounds = [each for each in operators if each not in ("is", "in", "has", "known")]
    if len(operators) > 1 and len(bounds) != len(operators):
        raise RuleRefusedError(path, "is, in, has and known stand alone in a condition; join several by all")
    for pair in (("below", "at_most"), ("above", "at_least")):
        if all(each in operators for each in pair):
            raise RuleRefusedError(path, f"{pair[0]} and {pair[1]} are two bounds on one side; keep one")


def unknown(
    given: str, known: Collection[str], path: Path, what: str, *, at_value: bool = False
) -> RuleRefusedError:
    """The refusal of a name that is not known, with the nearest that is, or all of them."""
    shown = given if len(given) <= _LONGEST_NAME else given[:_LONGEST_NAME] + "…"
    near = get_close_matches(given[:_LONGEST_NAME], known, n=1, cutoff=_NEAR)
    hint = f"did you mean {near[0]}? " if near else ""
    place = path if at_value or len(given) > _LONGEST_NAME else (*path, given)
    return RuleRefusedError(place, f"{shown!r} is {what}; {hint}known: {', '.join(known)}")
