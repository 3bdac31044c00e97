"""Rules about who is leaving are held against what happened since, and what cannot be told is said so."""

from datetime import date

import numpy as np
import pytest

from services.projections.analytics.backtest import backtest
from services.projections.analytics.customer_arrays import AMOUNT_UNITS, Days
from services.projections.analytics.measures import Measures, measures_of
from shared.events.analytics import FittedPurchases

DAY = date(2025, 6, 30)
TODAY = 1000
FITTED = FittedPurchases(r=0.5248, alpha=6.183, a=0.8914, b=1.614, log_likelihood=0)


def _measures(*days_ago: list[int]) -> Measures:
    rows = sorted((number, TODAY - ago) for number, days in enumerate(days_ago) for ago in days)
    days = Days(
        np.array([number for number, _ in rows], np.int32),
        np.array([day for _, day in rows], np.int32),
        np.full(len(rows), AMOUNT_UNITS, np.int64),
    )
    return measures_of(days, len(days_ago), TODAY)


def _bought(*said: bool) -> "np.typing.NDArray[np.bool_]":
    return np.array(said, np.bool_)


def test_only_customers_with_three_days_are_judged() -> None:
    then = _measures([300], [300, 310], [400, 410, 420], [1, 11, 21])
    found = backtest(then, _bought(False, False, False, True), FITTED, DAY, 26)
    assert {each.rule: (each.customers, each.gone, each.flagged, each.right) for each in found.rules} == {
        "mbg_0.5": (2, 1, 1, 1), "mbg_0.3": (2, 1, 1, 1), "rhythm": (2, 1, 1, 1),
    }  # fmt: skip
    assert found.sentence == (
        "Of 2 customers with 3 purchase days or more on 2025-06-30, 1 bought nothing in the 26 weeks after; "
        "P(alive) below 0.5 flagged 1: 100 % right against a base of 50 %; finds 100 % of those who left."
    )


def test_without_a_fit_the_rhythm_is_judged_alone() -> None:
    then = _measures([400, 410, 420], [31, 41, 51], [30, 40, 50])
    found = backtest(then, _bought(True, False, False), None, DAY, 26)
    [rhythm] = found.rules
    assert (rhythm.rule, rhythm.flagged, rhythm.right, rhythm.precision, rhythm.recall) == (
        "rhythm", 2, 1, 0.5, 0.5,
    )  # fmt: skip
    assert "silence of over three usual gaps flagged 2: 50 % right against a base of 67 %" in found.sentence


def test_a_share_of_nobody_is_not_known() -> None:
    flagged_nobody = backtest(_measures([1, 11, 21]), _bought(False), FITTED, DAY, 26)
    assert flagged_nobody.rules[0].precision is None
    assert flagged_nobody.rules[0].recall == 0
    nobody_left = backtest(_measures([400, 410, 420]), _bought(True), FITTED, DAY, 26)
    assert nobody_left.rules[0].precision == 0
    assert nobody_left.rules[0].recall is None
    assert "finds" not in nobody_left.sentence


@pytest.mark.parametrize("days_ago", [[], [[5]], [[5, 6]]])
def test_a_base_without_history_explains_itself(days_ago: list[list[int]]) -> None:
    found = backtest(_measures(*days_ago), np.zeros(len(days_ago), np.bool_), None, DAY, 26)
    assert "not known yet" in found.sentence
    assert found.rules[0].customers == 0
