"""Purchase days as they were are measured, scored and told apart as the definitions have it."""

import itertools
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.analytics.customer_arrays import (
    AMOUNT_UNITS,
    NEVER,
    CategorySpend,
    Days,
    Facts,
    day_number,
)
from services.projections.analytics.cuts import fifths, top_shares
from services.projections.analytics.measures import Measures, measures_of
from services.projections.analytics.scores import LIFECYCLES, LOYALTY_TYPES, QUADRANTS, Scores, scores_of
from services.projections.analytics.terms import Terms
from services.projections.analytics.values import Values, values_of
from shared.events.analytics import FittedPurchases, FittedSpend

TODAY = day_number(date(1997, 9, 30))
MBG = FittedPurchases(r=0.5248, alpha=6.183, a=0.8914, b=1.614, log_likelihood=0)
SPEND = FittedSpend(p=6.25, q=3.74, v=15.44, log_likelihood=0)
NOTHING = CategorySpend(
    np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int32), []
)
HAND = [
    (2, 12, 185000, 555), (306, 3, 45000, 235), (2, 1, 100, 511), (579, 1, 100, 111), (61, 5, 2080, 444),
    (92, 5, 1500, 343), (153, 2, 300, 323), (214, 2, 250, 222), (365, 1, 50, 111), (31, 8, 9000, 454),
]  # fmt: skip


def measured(*customers: dict[int, str], today: int = TODAY) -> Measures:
    """Customers by days ago and net amounts."""
    rows = sorted(
        (number, today - ago, int(Decimal(net) * AMOUNT_UNITS))
        for number, days in enumerate(customers)
        for ago, net in days.items()
    )
    owner, day, net = (np.array([row[index] for row in rows], np.int64) for index in range(3))
    return measures_of(Days(owner.astype(np.int32), day.astype(np.int32), net), len(customers), today)


def terms(**changed: Any) -> Terms:
    plain = Terms(
        zone="UTC", base_currency="USD", rates={}, margin=0.3, discount_rate=0.1, horizon_weeks=39,
        purchases=MBG, spend=SPEND, recency_cuts=(), frequency_cuts=(), monetary_cuts=(), tier_cuts=(),
        current_median=None, future_median=None, coupon_share=None,
    )  # fmt: skip
    return plain._replace(**changed)


def facts(customers: int, **changed: Any) -> Facts:
    no, none = np.zeros(customers, np.bool_), np.zeros(customers, np.int32)
    plain = Facts(
        np.full(customers, -1, np.int8), np.full(customers, np.nan), no, no, no,
        np.full(customers, NEVER, np.int32), no, none, none, no,
    )  # fmt: skip
    return plain._replace(**{name: np.asarray(value) for name, value in changed.items()})


def scored(
    measures: Measures, under: Terms, known: Facts | None = None, spend: CategorySpend = NOTHING
) -> tuple[Values, Scores]:
    values = values_of(measures, under)
    return values, scores_of(measures, values, known or facts(len(measures.days)), spend, under)


def test_the_hand_case_is_cut_and_scored_by_hand() -> None:
    recency, days, money = (np.array([each[index] for each in HAND]) for index in range(3))
    cuts = {
        "recency_cuts": fifths(recency),
        "frequency_cuts": fifths(days),
        "monetary_cuts": fifths(money * AMOUNT_UNITS, AMOUNT_UNITS),
    }
    assert cuts == {
        "recency_cuts": (25.2, 79.6, 177.4, 317.8),
        "frequency_cuts": (1.0, 2.0, 3.8, 5.6),
        "monetary_cuts": (100.0, 280.0, 1732.0, 16200.0),
    }
    spread = [{ago: str(net), **{ago + n: "0" for n in range(1, count)}} for ago, count, net, _ in HAND]
    _, scores = scored(measured(*spread), terms(**cuts))
    assert [int(f"{r}{f}{m}") for r, f, m in zip(scores.r, scores.f, scores.m, strict=True)] == [
        each[3] for each in HAND
    ]


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=60))
def test_cuts_are_exact_quantiles_and_equal_values_score_equally(values: list[int]) -> None:
    cuts = fifths(np.array(values), AMOUNT_UNITS)
    ordered = sorted(values)
    for part, cut in enumerate(cuts, start=1):
        place = Fraction((len(values) - 1) * part, 5)
        low = ordered[int(place)]
        high = ordered[min(int(place) + 1, len(values) - 1)]
        assert cut == float((low + (high - low) * (place - int(place))) / AMOUNT_UNITS)
    _, scores = scored(measured(*({1: str(Decimal(each) / AMOUNT_UNITS)} for each in values)),
                       terms(monetary_cuts=cuts))  # fmt: skip
    for value, score in zip(values, scores.m, strict=True):
        assert score == 1 + sum(Fraction(str(cut)) < Fraction(value, AMOUNT_UNITS) for cut in cuts)


def test_the_rhythm_of_three_gaps_is_broken_the_day_after() -> None:
    days = {30: "1", 20: "1", 10: "1", 0: "1"}  # on days 0, 10, 20 and 30
    on = {day: measured({day - (30 - ago): "1" for ago in days}, today=day) for day in (60, 61)}
    assert [bool(on[day].rhythmless[0]) for day in (60, 61)] == [False, True]
    late = [0, 10, 15, 20, 30]
    assert measured({53 - day: "1" for day in late}, today=53).usual_gap[0] == 7.5
    assert measured({53 - day: "1" for day in late}, today=53).rhythmless[0]
    assert not measured({52 - day: "1" for day in late}, today=52).rhythmless[0]


def test_without_a_fit_silence_begins_when_the_rhythm_breaks() -> None:
    values, scores = scored(measured({40 - day: "1" for day in (0, 10, 20, 30)}, {3: "1"}, today=40),
                            terms(purchases=None))  # fmt: skip
    assert 60.999 < values.silent_days[0] < 61
    assert np.isnan(values.silent_days[1])
    assert np.isnan(values.p_alive).all()
    assert not values.forecast
    assert [LIFECYCLES[each] for each in scores.lifecycle] == ["mature", "new"]


def test_a_customer_is_worth_what_is_expected_of_them() -> None:
    measures = measured({272: "29.33", 255: "29.73", 59: "14.96"})
    assert (measures.x[0], measures.t_x[0], measures.t[0]) == (2, 30.43, 38.86)
    assert measures.paid_mean[0] == 22.35
    values, _ = scored(measures, terms(discount_rate=0.0))
    assert values.p_alive[0] == pytest.approx(0.706118, abs=1e-6)
    assert values.clv[0] / AMOUNT_UNITS == pytest.approx(1.262629 * 24.6637 * 0.3, abs=1e-4)
    assert values.at_stake[0] == pytest.approx(values.clv[0] / values.p_alive[0], abs=2)
    assert values.silent_days[0] == pytest.approx((30.43 + 27.1271) * 7, abs=1e-3)
    assert values.margin_12m[0] == round((29.33 + 29.73 + 14.96) * 0.3 * AMOUNT_UNITS)


def test_a_later_euro_is_worth_less() -> None:
    measures = measured({272: "29.33", 255: "29.73", 59: "14.96"})
    now, _ = scored(measures, terms(discount_rate=0.0))
    later, _ = scored(measures, terms(discount_rate=0.1))
    assert 0.94 < later.clv[0] / now.clv[0] < 0.98


def test_each_stage_of_life_is_the_first_that_holds() -> None:
    steady = dict.fromkeys(range(0, 400, 20), "10")
    customers: list[dict[int, str]] = [
        {1: "10"}, {}, {400: "10"}, dict.fromkeys((100, 130, 160), "5"), {10: "10"},
        {**steady, 1: "90"}, steady,
    ]  # fmt: skip
    known = facts(len(customers), ended_on=[TODAY, *[NEVER] * (len(customers) - 1)])
    values, scores = scored(measured(*customers), terms(), known)
    assert [LIFECYCLES[each] for each in scores.lifecycle] == [
        "ended", "prospect", "lapsed", "declining", "new", "growing", "mature",
    ]  # fmt: skip
    assert np.isnan(scores.silent_days[0])
    assert values.silent_days[0] > 0


def test_who_bought_after_an_ending_has_come_back() -> None:
    _, scores = scored(measured({1: "10"}), terms(), facts(1, ended_on=[TODAY - 2]))
    assert LIFECYCLES[scores.lifecycle[0]] == "new"


def test_ties_go_up_a_tier_together_and_nobody_without_value() -> None:
    assert top_shares(np.array([1000] + [10] * 50 + [1] * 49)) == (1000, 10, 10, 1)
    assert top_shares(np.array([5] + [0] * 99)) == (5, 1, 1, 0)
    money = [{1: "100"}, *[{1: "1"}] * 50, *[{1: "0.1"}] * 49]
    measures = measured(*money)
    cuts = top_shares(values_of(measures, terms()).margin_12m)
    _, scores = scored(measures, terms(tier_cuts=cuts))
    assert [int(each) for each in np.bincount(scores.tier_rank, minlength=6)] == [0, 1, 50, 0, 49, 0]


def test_satisfaction_and_loyalty_make_the_type() -> None:
    loyal, fickle = dict.fromkeys(range(0, 400, 20), "10"), {300: "10"}
    answers: list[tuple[dict[int, str], int, float, bool, bool, str]] = [
        (loyal, 0, 10, False, False, "apostle"), (loyal, 0, 9, False, False, "loyalist"),
        (loyal, 1, 5, True, False, "apostle"), (fickle, 2, 6.2, False, False, "mercenary"),
        (loyal, 0, 8, False, False, "hostage"), (fickle, 0, 2, False, False, "defector"),
        (fickle, 0, 2, False, True, "terrorist"), (fickle, 1, 1, False, True, "terrorist"),
        (loyal, -1, np.nan, False, False, "unknown"),
    ]  # fmt: skip
    _, instrument, answer, referred, complained, expected = zip(*answers, strict=True)
    known = facts(
        len(answers), instrument=instrument, answer=answer, referred=referred, complained=complained
    )
    _, scores = scored(measured(*(each[0] for each in answers)), terms(), known)
    assert [LOYALTY_TYPES[each] for each in scores.loyalty_type] == list(expected)


def test_quadrants_stand_on_both_sides_of_the_medians() -> None:
    loyal, lost = dict.fromkeys(range(0, 300, 10), "10"), {300 + ago: "10" for ago in range(0, 60, 10)}
    measures = measured(loyal, {20: "0.01", 40: "20", 390: "1"}, {300: "500"}, lost)
    values = values_of(measures, terms())
    under = terms(current_median=int(np.median(values.margin_12m)), future_median=int(np.median(values.clv)))
    _, scores = scored(measures, under)
    assert [QUADRANTS[each] for each in scores.quadrant] == ["VIP", "improve", "maintain", "abandon"]


def test_coupons_are_drawn_to_what_all_do_and_unknown_of_few_orders() -> None:
    known = facts(3, orders=np.array([3, 8, 2]), with_coupon=np.array([3, 0, 2]))
    _, scores = scored(measured({1: "1"}, {1: "1"}, {1: "1"}), terms(coupon_share=0.25), known)
    assert scores.coupon_dependence[:2] == pytest.approx([4 / 7, 1 / 12])
    assert np.isnan(scores.coupon_dependence[2])


def test_a_category_dominates_from_four_tenths_and_two_orders() -> None:
    spend = CategorySpend(
        np.array([0, 0, 1, 1, 2, 2, 2], np.int32), np.array([0, 1, 0, 1, 0, 1, 2], np.int32),
        np.array([4, 6, 9, 1, 39, 30, 31]), np.array([1, 2, 1, 1, 5, 5, 5], np.int32), ["food", "wine", "tea"],
    )  # fmt: skip
    _, scores = scored(measured(*[{1: "1"}] * 4), terms(), spend=spend)
    assert list(scores.dominant_category) == [1, 3, 3, -1]


@given(st.sets(st.integers(0, 900), min_size=1, max_size=30))
def test_measures_follow_from_the_days_alone(ago: set[int]) -> None:
    measures = measured(dict.fromkeys(ago, "1"), {5: "7"})
    days = sorted(date(1997, 9, 30) - timedelta(days=each) for each in ago)
    assert measures.days[0] == len(days)
    assert measures.recency[0] == min(ago)
    gaps = sorted((one - other).days for other, one in itertools.pairwise(days))
    if len(days) >= 3:
        middle = (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2
        assert measures.usual_gap[0] == middle
    assert measures.year[0] == sum(each < 365 for each in ago) * AMOUNT_UNITS
    assert measures.monetary[1] == 7 * AMOUNT_UNITS
