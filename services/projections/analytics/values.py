"""What customers are expected to do and to be worth, under a run's parameters."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.projections.analytics.customer_arrays import AMOUNT_UNITS
from services.projections.analytics.fits import gamma_gamma, mbg_nbd
from services.projections.analytics.measures import Measures
from services.projections.analytics.settings_file import PERIOD_WEEKS
from services.projections.analytics.terms import Terms

AT_RISK: Final = 0.5
"""Below this P(alive) a customer is departing."""
_YEAR_WEEKS: Final = 52
_MICROSECOND: Final = 1e-6 / 86_400
_FARTHEST_DAYS: Final = 36_500
"""Silence that would begin later than a century after the first purchase is not in sight."""


class Values(NamedTuple):
    """Arrays by customer number. NaN in floats is not known; where `forecast` is false `clv` says nothing.

    `margin_12m`, `clv` and `at_stake`, which is what customers are worth if they are customers still, are in
    ten-thousandths of the base currency. `silent_days` count from the start of the first purchase day.
    """

    p_alive: NDArray[np.float64]
    silent_days: NDArray[np.float64]
    margin_12m: NDArray[np.int64]
    clv: NDArray[np.int64]
    at_stake: NDArray[np.int64]
    forecast: bool


def values_of(measures: Measures, terms: Terms) -> Values:
    """The values of customers; those without a purchase day have none.

    Without a fitted model the rhythm stands in for silence, and nothing is forecast. Cost grows with the different
    pairs of repeat days and age.
    """
    has = measures.purchased
    margin = np.rint(measures.year * terms.margin).astype(np.int64)
    nothing, none = np.full(len(has), np.nan), np.zeros_like(margin)
    if terms.purchases is None:
        return Values(nothing, _rhythm_days(measures), margin, none, none, forecast=False)
    alive = np.where(has, mbg_nbd.p_alive(terms.purchases, measures.x, measures.t_x, measures.t), np.nan)
    weeks = 7 * mbg_nbd.silent_weeks(terms.purchases, measures.x, measures.t_x, AT_RISK)
    silent = np.where(has & (weeks < _FARTHEST_DAYS), weeks, np.nan)
    each = None
    if terms.spend is not None:
        each = gamma_gamma.expected_mean(terms.spend, measures.paid_days, measures.paid_mean)
    if each is None:
        return Values(alive, silent, margin, none, none, forecast=False)
    stake = _discounted_purchases(measures, terms) * each * terms.margin
    worth = np.where(has, alive, 0.0) * stake
    return Values(alive, silent, margin, _units(worth), _units(stake), forecast=True)


def _rhythm_days(measures: Measures) -> NDArray[np.float64]:
    """To the end of the day from which silence is longer than three usual gaps; NaN without a rhythm."""
    span = measures.last_day - measures.first_day.astype(np.float64)
    return np.asarray(span + np.floor(3 * measures.usual_gap) + 1 - _MICROSECOND, np.float64)


def _units(amounts: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(amounts * AMOUNT_UNITS).astype(np.int64)


def _discounted_purchases(measures: Measures, terms: Terms) -> NDArray[np.float64]:
    """Purchase days expected within the horizon while a customer stays, each discounted to now, by periods of 4 weeks.

    Of equal customers one is computed, so that memory does not grow with the others.
    """
    if terms.purchases is None:
        raise AssertionError("there is nothing to forecast with")
    has = np.flatnonzero(measures.purchased)
    discounted = np.zeros(len(measures.x))
    if not len(has):
        return discounted
    periods = -(-terms.horizon_weeks // PERIOD_WEEKS)
    ends = np.minimum(np.arange(1, periods + 1) * PERIOD_WEEKS, terms.horizon_weeks)
    factors = (1 + terms.discount_rate) ** (-np.arange(1, periods + 1) * PERIOD_WEEKS / _YEAR_WEEKS)
    pairs, inverse = np.unique(np.stack([measures.x[has], measures.t[has]]), axis=1, return_inverse=True)
    expected = mbg_nbd.purchases_if_alive(terms.purchases, pairs[0], pairs[1], ends.astype(np.float64))
    within = np.diff(expected, axis=1, prepend=0.0)
    discounted[has] = (within @ factors)[np.reshape(inverse, -1)]
    return discounted
