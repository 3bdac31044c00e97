"""A rule holds of a customer or it does not, by what is known of them at a time."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.read_models.consents import Consent
from services.projections.segments.evaluation import CLOSED, Facts, judged
from services.projections.segments.moments import AsOf, moment_of
from shared.segment_rules.reading import rule_of
from shared.segment_rules.rule import Shift

BANGKOK = ZoneInfo("Asia/Bangkok")
AS_OF = AsOf(datetime(2026, 3, 31, 20, tzinfo=UTC), BANGKOK)  # 1 April, 03:00, in Bangkok

SCORES = {
    "tier": "A",
    "clv": Decimal("120.50"),
    "p_alive": 0.7,
    "r": 5,
    "last_purchase": date(2026, 3, 2),
    "silent_from": datetime(2026, 4, 1, tzinfo=UTC),
    "usual_gap_days": None,
}
PROFILE = {
    "language": "th",
    "tags": ["tea", "regular"],
    "preferences": {"seat": 4, "window": True},
    "name": CLOSED,
}


def said(purpose: Any, *, granted: bool, channel: str = "", day: int = 1) -> Consent:
    return {
        "purpose": purpose, "channel": channel, "granted": granted, "evidence": None,
        "time": datetime(2026, 1, day, tzinfo=UTC), "event_id": "c",
    }  # fmt: skip


CONSENTS = [said("marketing", granted=True), said("marketing", granted=False, channel="sms", day=2)]


def verdict(rule: Any, **facts: Any) -> bool | None:
    known = Facts(**({"scores": SCORES, "profile": PROFILE, "consents": CONSENTS} | facts))
    return judged(rule_of(rule), known, AS_OF)


@pytest.mark.parametrize(
    "rule",
    [
        {"score": "tier", "is": "A"},
        {"score": "tier", "in": ["VIP", "A"]},
        {"score": "clv", "at_least": "120.5", "below": 121},
        {"score": "p_alive", "at_least": 0.7},
        {"score": "p_alive", "at_most": "0.7"},
        {"score": "r", "is": 5},
        {"score": "usual_gap_days", "known": False},
        {"score": "last_purchase", "since": {"ago": {"days": 30}}},
        {"score": "last_purchase", "before": {"ago": {"days": 29}}},
        {"score": "silent_from", "since": {"ago": {"days": 0}}},
        {"score": "silent_from", "before": {"ahead": {"months": 1}}},
        {"profile": "language", "is": "th"},
        {"profile": "tags", "has": "tea"},
        {"profile": "preferences.seat", "is": 4},
        {"profile": "preferences.window", "is": True},
        {"profile": "company", "known": False},
        {"consent": "marketing", "is": True},
        {"consent": "marketing", "channel": "sms", "is": False},
        {"consent": "marketing", "channel": "email", "is": True},
        {"consent": "profiling", "known": False},
    ],
)
def test_what_is_so_holds_and_its_negation_does_not(rule: Any) -> None:
    assert verdict(rule) is True
    assert verdict({"not": rule}) is False


@pytest.mark.parametrize(
    "rule",
    [
        {"score": "p_alive", "above": 0.7},
        {"score": "p_alive", "below": 0.7},
        {"profile": "preferences.window", "is": 1},
        {"profile": "preferences.seat", "is": True},
        {"profile": "preferences.aisle", "is": True},
        {"profile": "preferences.seat", "is": "4"},
    ],
)
def test_what_is_nearly_so_does_not_hold(rule: Any) -> None:
    assert verdict(rule) is False


def test_what_is_not_known_meets_no_condition_and_every_negation() -> None:
    for rule in (
        {"score": "usual_gap_days", "below": 10},
        {"profile": "company", "is": "x"},
        {"consent": "profiling", "is": False},
    ):
        assert verdict(rule) is False
        assert verdict({"not": rule}) is True


def test_a_sealed_value_leaves_a_rule_undecided_unless_the_rest_decides() -> None:
    closed = {"profile": "name", "is": "Ada"}
    assert verdict(closed) is None
    assert verdict({"not": closed}) is None
    assert verdict({"all": [closed, {"score": "tier", "is": "A"}]}) is None
    assert verdict({"all": [closed, {"score": "tier", "is": "B"}]}) is False
    assert verdict({"any": [closed, {"score": "tier", "is": "A"}]}) is True
    assert verdict({"all": [closed, {"score": "tier", "is": "A"}]}, profile={"name": "Ada"}) is True


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        (Shift(-1, 0), datetime(2026, 2, 28, 20, tzinfo=UTC)),  # 1 March, 03:00
        (Shift(0, -1), datetime(2026, 3, 30, 20, tzinfo=UTC)),
        (Shift(12, 1), datetime(2027, 4, 1, 20, tzinfo=UTC)),
        (Shift(-12 * 200, 0), datetime(1900, 1, 1, tzinfo=UTC)),
        (Shift(12 * 100, 36_500), datetime(2226, 3, 7, 20, tzinfo=UTC)),
    ],
)
def test_times_are_told_from_as_of_by_the_calendar_of_the_zone(told: Shift, moment: datetime) -> None:
    assert moment_of(told, AS_OF) == moment


def test_a_month_without_that_day_has_its_last_one_and_a_night_without_that_hour_the_next() -> None:
    berlin = AsOf(datetime(2026, 3, 31, 0, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"))  # 02:30 in summer time
    assert moment_of(Shift(-1, 0), berlin) == datetime(2026, 2, 28, 1, 30, tzinfo=UTC)
    assert moment_of(Shift(0, -2), berlin) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


CONDITIONS = st.sampled_from(
    [
        {"score": "tier", "is": "A"},
        {"score": "r", "below": 3},
        {"profile": "language", "is": "de"},
        {"consent": "marketing", "is": True},
    ]
)
RULES = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda rules: {"any": rules}),
        inner.map(lambda rule: {"not": rule}),
    ),
    max_leaves=5,
)


@given(st.lists(RULES, min_size=1, max_size=3))
def test_de_morgan_holds_for_every_rule(rules: list[Any]) -> None:
    one_of_them = {"any": rules}
    not_all_against = {"not": {"all": [{"not": each} for each in rules]}}
    if max(_depth(each) for each in rules) < 5:
        assert verdict(one_of_them) == verdict(not_all_against)


def _depth(rule: Any) -> int:
    if "any" in rule:
        return 1 + max(_depth(each) for each in rule["any"])
    return 1 + _depth(rule["not"]) if "not" in rule else 1
