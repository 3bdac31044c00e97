"""Gamma-Gamma: what customers spend on a purchase day, of whom each has a mean of their own [Fader, Hardie 2013]."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, psi

from services.projections.analytics.fits.histories import Floats
from services.projections.analytics.fits.maximum import most_likely
from services.projections.analytics.fits.unfit import FEWEST_REPEATERS, Unfit
from shared.events.analytics import FittedSpend

_NAMES: Final = ("p", "q", "v")
_STARTS: Final = ((1.0, 2.0, 1.0), (6.0, 4.0, 0.5), (3.0, 10.0, 3.0))


def fit(x: ArrayLike, mean: ArrayLike) -> FittedSpend | Unfit:
    """The parameters, not rounded, from customers with `x` repeat days of a `mean` net amount, both above 0."""
    days, spent = np.asarray(x, np.float64), np.asarray(mean, np.float64)
    if len(days) < FEWEST_REPEATERS:
        return Unfit(
            f"{len(days):,} customers bought again for money, and Gamma-Gamma takes {FEWEST_REPEATERS} at least"
        )
    scale = float(spent.mean())
    found = most_likely(lambda given: _mean_likelihood(given, days, spent / scale), _STARTS, _NAMES)
    if isinstance(found, Unfit):
        return Unfit(f"Gamma-Gamma: {found.reason}")
    p, q, v = (float(each) for each in found)
    value, _ = _mean_likelihood(np.array([p, q, v * scale]), days, spent)
    return FittedSpend(p=p, q=q, v=v * scale, log_likelihood=value * len(days))


def expected_mean(fitted: FittedSpend, x: ArrayLike, mean: ArrayLike) -> Floats | None:
    """The net amount expected a purchase day; None where q is 1 or less, so that there is no mean.

    `mean` counts for nothing where `x` is 0.
    """
    if fitted.q <= 1:
        return None
    days = np.asarray(x, np.float64)
    spent = np.where(days > 0, np.asarray(mean, np.float64), 0.0)
    expected: Floats = fitted.p * (fitted.v + days * spent) / (fitted.p * days + fitted.q - 1)
    return expected


def _mean_likelihood(
    parameters: NDArray[np.float64], x: Floats, mean: Floats
) -> tuple[float, NDArray[np.float64]]:
    p, q, v = (float(each) for each in parameters)
    shape, log_sum = p * x, np.log(v + x * mean)
    value = (
        gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(v)
        + (shape - 1) * np.log(mean) + shape * np.log(x) - (shape + q) * log_sum
    )  # fmt: skip
    both = psi(shape + q)
    by_p = x * (both - psi(shape) + np.log(mean) + np.log(x) - log_sum)
    by_q = both - psi(q) + np.log(v) - log_sum
    by_v = q / v - (shape + q) / (v + x * mean)
    return float(value.mean()), np.array([by_p.mean(), by_q.mean(), by_v.mean()])
