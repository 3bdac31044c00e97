"""The CDNOW sample comes out as published and as counted by hand: fits, cuts, scores and who left in silence."""

from datetime import date, timedelta

import numpy as np
import pytest

from services.projections.analytics.backtest import backtest
from services.projections.analytics.customer_arrays import (
    AMOUNT_UNITS,
    NEVER,
    CategorySpend,
    Facts,
    day_number,
)
from services.projections.analytics.cuts import fifths
from services.projections.analytics.fits import bg_nbd, gamma_gamma, mbg_nbd
from services.projections.analytics.scores import Scores, scores_of
from services.projections.analytics.terms import Terms
from services.projections.analytics.values import values_of
from shared.events.analytics import FittedPurchases, FittedSpend
from tests.unit.analytics import cdnow


@pytest.fixture(scope="module")
def fitted() -> FittedPurchases:
    measures = cdnow.measures()
    found = mbg_nbd.fit(measures.x, measures.t_x, measures.t)
    assert isinstance(found, FittedPurchases)
    return found


def test_the_sample_has_the_customers_and_days_that_are_known_of_it() -> None:
    days = cdnow.days_until(date(1998, 6, 30))
    assert (len(cdnow.rows()), len(days.day), cdnow.customers()) == (6919, 6696, 2357)
    assert int((days.net == 0).sum()) == 8


def test_bg_nbd_is_fitted_as_published() -> None:
    measures = cdnow.measures()
    found = bg_nbd.fit(measures.x, measures.t_x, measures.t)
    assert isinstance(found, FittedPurchases)
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx(
        (0.242593, 4.413532, 0.792886, 2.425753), abs=1e-5
    )
    assert found.log_likelihood == pytest.approx(-9582.4256, abs=1e-4)


def test_mbg_nbd_is_fitted_with_those_who_may_leave_after_the_first_day(fitted: FittedPurchases) -> None:
    assert (fitted.r, fitted.alpha, fitted.a, fitted.b) == pytest.approx(
        (0.524838, 6.182992, 0.891356, 1.613999), abs=1e-5
    )
    assert fitted.log_likelihood == pytest.approx(-9582.1327, abs=1e-4)


def test_gamma_gamma_is_fitted_to_those_who_paid_again() -> None:
    measures = cdnow.measures()
    paid = measures.paid_days > 0
    assert int(paid.sum()) == 946
    found = gamma_gamma.fit(measures.paid_days[paid], measures.paid_mean[paid])
    assert isinstance(found, FittedSpend)
    assert (found.p, found.q, found.v) == pytest.approx((6.2488, 3.7446, 15.4477), abs=1e-4)
    assert found.log_likelihood == pytest.approx(-4055.9235, abs=5e-4)


def test_equal_customers_counted_together_are_fitted_alike(fitted: FittedPurchases) -> None:
    measures = cdnow.measures()
    order = np.random.default_rng(3).permutation(cdnow.customers())
    twice = np.full(cdnow.customers(), 2.0)
    again = mbg_nbd.fit(measures.x[order], measures.t_x[order], measures.t[order], twice)
    assert isinstance(again, FittedPurchases)
    assert (again.r, again.alpha, again.a, again.b) == pytest.approx(
        (fitted.r, fitted.alpha, fitted.a, fitted.b), rel=1e-6
    )
    assert again.log_likelihood == pytest.approx(2 * fitted.log_likelihood)


def _scores(fitted: FittedPurchases | None) -> Scores:
    measures, customers = cdnow.measures(), cdnow.customers()
    no, none = np.zeros(customers, np.bool_), np.zeros(customers, np.int32)
    nothing = np.empty(0, np.int32)
    recency, days = measures.recency.astype(np.int64), measures.days.astype(np.int64)
    terms = Terms(
        zone="UTC", base_currency="USD", rates={}, margin=1.0, discount_rate=0.0, horizon_weeks=39,
        purchases=fitted, spend=None, recency_cuts=fifths(recency), frequency_cuts=fifths(days),
        monetary_cuts=fifths(measures.monetary, AMOUNT_UNITS), tier_cuts=(), current_median=None,
        future_median=None, coupon_share=None,
    )  # fmt: skip
    facts = Facts(
        np.full(customers, -1, np.int8), np.full(customers, np.nan), no, no, no,
        np.full(customers, NEVER, np.int32), no, none, none, no,
    )  # fmt: skip
    spend = CategorySpend(nothing, nothing, np.empty(0, np.int64), nothing, [])
    return scores_of(measures, values_of(measures, terms), facts, spend, terms)


def test_customers_are_cut_into_fifths_without_parting_equals() -> None:
    measures = cdnow.measures()
    assert fifths(measures.recency.astype(np.int64)) == (99, 198, 219, 242)
    assert fifths(measures.days.astype(np.int64)) == (1, 1, 2, 3)
    assert fifths(measures.monetary, AMOUNT_UNITS) == (14.96, 27.99, 45.976, 93.722)
    scores = _scores(None)
    assert [list(np.bincount(each, minlength=6)[1:]) for each in (scores.r, scores.f, scores.m)] == [
        [466, 475, 453, 490, 473],
        [1411, 0, 439, 214, 293],
        [480, 464, 470, 471, 472],
    ]
    cells = scores.r * 100 + scores.f * 10 + scores.m
    assert (int((cells == 555).sum()), int((cells == 111).sum()), len(np.unique(cells))) == (191, 146, 65)


def test_who_leaves_in_silence_is_found_half_of_the_time(fitted: FittedPurchases) -> None:
    after = cdnow.days_until(cdnow.AS_OF + timedelta(weeks=cdnow.HORIZON_WEEKS))
    bought = np.zeros(cdnow.customers(), np.bool_)
    bought[after.customer[after.day > day_number(cdnow.AS_OF)]] = True
    found = backtest(cdnow.measures(), bought, fitted, cdnow.AS_OF, cdnow.HORIZON_WEEKS)
    counted = {each.rule: (each.customers, each.gone, each.flagged, each.right) for each in found.rules}
    assert counted == {
        "mbg_0.5": (507, 173, 169, 88),
        "mbg_0.3": (507, 173, 103, 60),
        "rhythm": (507, 173, 168, 82),
    }
    assert (found.rules[0].precision, found.rules[0].recall) == pytest.approx((88 / 169, 88 / 173), abs=1e-6)
    assert "52 % right against a base of 34 %; finds 51 %" in found.sentence
