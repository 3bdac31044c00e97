"""Rules of segments are read with every fault named, where it is and what would do."""

from typing import Any

import pytest

from shared.segment_rules.reading import DEEPEST, MOST_CONDITIONS, MOST_RULES, rule_of
from shared.segment_rules.refusal import RuleRefusedError, pointer_of
from shared.segment_rules.rule import (
    All,
    AnyOf,
    Comparison,
    Condition,
    Not,
    Shift,
    categories_of,
    conditions_of,
)

VIP = {"score": "tier", "is": "VIP"}


def refusal(given: Any) -> RuleRefusedError:
    with pytest.raises(RuleRefusedError) as refused:
        rule_of(given)
    return refused.value


def nested(depth: int) -> Any:
    rule: dict[str, Any] = VIP
    for _ in range(depth):
        rule = {"not": rule}
    return rule


def test_a_rule_joins_conditions_on_scores_profile_and_consent() -> None:
    rule = rule_of(
        {
            "all": [
                {"score": "tier", "in": ["VIP", "A"]},
                {"any": [{"profile": "language", "is": "th"}, {"profile": "tags", "has": "tea"}]},
                {"not": {"score": "last_purchase", "since": {"ago": {"years": 1, "days": 3}}}},
                {"consent": "marketing", "channel": "email", "is": True},
            ]
        }
    )
    assert isinstance(rule, All)
    tier, either, silent, consent = rule.rules
    assert tier == Condition("score", "tier", None, (Comparison("in", frozenset({"VIP", "A"})),))
    assert isinstance(either, AnyOf)
    assert silent == Not(Condition("score", "last_purchase", None, (Comparison("since", Shift(-12, -3)),)))
    assert consent == Condition("consent", "marketing", "email", (Comparison("is", True),))
    assert len(list(conditions_of(rule))) == 5


def test_a_rule_says_which_personal_data_it_looks_at() -> None:
    plain = {"profile": "language", "is": "th"}
    sealed = {
        "any": [{"profile": "preferences.newspaper", "known": True}, {"profile": "dietary", "known": False}]
    }
    assert categories_of(rule_of(plain)) == set()
    assert categories_of(rule_of({"all": [plain, {"not": sealed}]})) == {"preference", "health"}


@pytest.mark.parametrize(
    ("given", "pointer", "says"),
    [
        (None, "", "not an object"),
        ({}, "", "empty"),
        ([VIP], "", "not an object"),
        ({"all": []}, "/all", "one rule or more"),
        ({"all": [VIP], "any": [VIP]}, "", "all and any stand in one object"),
        ({"all": [VIP], "name": "x"}, "", "all stands alone"),
        ({"all": [VIP, {"scroe": "tier", "is": "A"}]}, "/all/1/scroe", "did you mean score?"),
        ({"score": "teir", "is": "A"}, "/score", "did you mean tier?"),
        ({"profile": "nmae", "is": "A"}, "/profile", "did you mean name?"),
        ({"consent": "marketting", "is": True}, "/consent", "did you mean marketing?"),
        ({"score": 7, "is": "A"}, "/score", "not the name of a score"),
        ({"score": "tier", "iz": "A"}, "/iz", "did you mean is?"),
        ({"score": "tier", "below": "A"}, "/below", "nothing that can be asked of tier"),
        ({"score": "tier"}, "", "asks nothing of tier"),
        ({"score": "tier", "is": "D"}, "/is", "not one of VIP, A, B, C"),
        ({"score": "tier", "in": ["A", 3]}, "/in/1", "not a word"),
        ({"score": "tier", "in": []}, "/in", "1 to 100 values"),
        ({"score": "tier", "is": "A", "known": True}, "", "stand alone"),
        ({"score": "clv", "above": 1, "at_least": 1}, "", "two bounds on one side"),
        ({"score": "clv", "at_least": True}, "/at_least", "not a number"),
        ({"score": "clv", "at_least": "1e5"}, "/at_least", "nor a decimal"),
        ({"score": "clv", "at_least": 1e40}, "/at_least", "out of range"),
        ({"score": "purchase_days", "is": 1.5}, "/is", "not a whole number"),
        ({"score": "p_alive", "known": 1}, "/known", "not true or false"),
        ({"score": "last_purchase", "before": "2026-01-31"}, "/before", "RFC 3339"),
        ({"score": "last_purchase", "before": {"ago": {"day": 1}}}, "/before/ago", "years, months, weeks, days"),
        ({"score": "last_purchase", "before": {"ago": {"days": -1}}}, "/before/ago/days", "0 to 36,500"),
        ({"score": "last_purchase", "before": {"since": 1}}, "/before", "told from as_of"),
        ({"profile": "preferences", "is": "x"}, "/profile", "preferences.newspaper"),
        ({"profile": "language.x", "is": "x"}, "/profile", "no profile that is known"),
        ({"consent": "marketing", "channel": "pigeon", "is": True}, "/channel", "email"),
        ({"segment": "vips"}, "/segment", "wait for each other for ever"),
        ({"any": [{"not": {"segment": "vips"}}]}, "/any/0/not/segment", "names no other segment"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(given: Any, pointer: str, says: str) -> None:
    refused = refusal(given)
    assert says in refused.reason
    assert pointer_of(refused.path) == pointer


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"score": "p_alive", "above": 1}, ""),
        ({"score": "r", "in": [0, 6]}, ""),
        ({"score": "clv", "at_least": 10, "below": 10}, ""),
        ({"all": [{"score": "clv", "above": 10}, VIP, {"score": "clv", "at_most": "9.99"}]}, "/all/2"),
        ({"all": [{"score": "tier", "is": "A"}, {"score": "tier", "in": ["B", "C"]}]}, "/all/1"),
        ({"all": [{"consent": "marketing", "is": True}, {"consent": "marketing", "is": False}]}, "/all/1"),
        ({"score": "silent_from", "since": "2026-01-02T00:00:00Z", "before": "2026-01-01T00:00:00Z"}, ""),
        ({"score": "silent_from", "since": {"ago": {"days": 3}}, "before": {"ago": {"weeks": 1}}}, ""),
    ],
)  # fmt: skip
def test_conditions_that_exclude_each_other_are_refused(given: Any, pointer: str) -> None:
    refused = refusal(given)
    assert "no customer can be like this" in refused.reason
    assert pointer_of(refused.path) == pointer


@pytest.mark.parametrize(
    "given",
    [
        {"any": [{"score": "tier", "is": "A"}, {"score": "tier", "is": "B"}]},
        {
            "all": [
                {"consent": "marketing", "is": True},
                {"consent": "marketing", "channel": "sms", "is": False},
            ]
        },
        {"score": "clv", "at_least": 10, "at_most": 10},
        {
            "score": "silent_from",
            "since": {"ago": {"months": 1, "days": 5}},
            "before": {"ago": {"months": 1}},
        },
    ],
)
def test_conditions_that_somebody_can_meet_are_taken(given: Any) -> None:
    assert list(conditions_of(rule_of(given)))


def test_a_rule_that_would_not_end_is_refused_at_its_bounds() -> None:
    assert len(list(conditions_of(rule_of(nested(DEEPEST - 1))))) == 1
    too_deep = refusal(nested(5_000))
    assert "stand in each other" in too_deep.reason
    assert too_deep.path == ("not",) * DEEPEST
    assert "side by side" in refusal({"any": [VIP] * (MOST_RULES + 1)}).reason
    wide: dict[str, list[Any]] = {"any": [{"any": [VIP] * MOST_RULES}] * (MOST_CONDITIONS // MOST_RULES)}
    assert len(list(conditions_of(rule_of(wide)))) == MOST_CONDITIONS
    wide["any"].append(VIP)
    assert "two segments" in refusal(wide).reason


def test_a_rule_that_stands_in_itself_is_refused_like_one_too_deep() -> None:
    endless: dict[str, Any] = {}
    endless["not"] = endless
    assert "stand in each other" in refusal(endless).reason
