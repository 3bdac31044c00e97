"""The two models of purchases until a customer leaves, which differ in whether one may leave after the first day.

BG/NBD [Fader, Hardie, Lee 2005] and MBG/NBD [Batislam, Denizel, Filiztekin 2007; Hoppe, Wagner 2007] in one notation:
`shift` is 0 for BG/NBD and 1 for MBG/NBD. Times are weeks. In `d` a customer's odds of having left are exp(d).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, gammaln, psi, roots_jacobi

from services.projections.analytics.fits.histories import Floats, Histories, grouped
from services.projections.analytics.fits.maximum import most_likely
from services.projections.analytics.fits.unfit import FEWEST_REPEATERS, Unfit
from shared.events.analytics import FittedPurchases

Shift = Literal[0, 1]
_NAMES: Final = ("r", "alpha", "a", "b")
_STARTS: Final = ((1.0, 1.0, 1.0, 1.0), (0.3, 0.5, 0.8, 2.0), (0.5, 2.0, 2.0, 8.0))
_LONGEST: Final = 10.0
"""Times are scaled so that the oldest customer has this age, which lets one set of starts do for all."""
_NODES: Final = 32
_MORE_NODES: Final = 64
_RATIOS_AT_ONCE: Final = 65_536
"""How many customers and times are integrated together, which bounds memory by some 70 MB."""
_FAR: Final = 4.0
"""How many times its age (with alpha) a customer is looked ahead until more nodes are taken."""


class Model(NamedTuple):
    """One of the two."""

    name: str
    shift: Shift


def fit_purchases(
    model: Model, x: ArrayLike, t_x: ArrayLike, t: ArrayLike, weights: ArrayLike | None = None
) -> FittedPurchases | Unfit:
    """The parameters of a model that make what customers did most likely, not rounded.

    Cost grows with the number of different (x, t_x, T): half a second for a million customers on one core.
    """
    histories = grouped(x, t_x, t, weights)
    repeaters = float(histories.weight[histories.x > 0].sum())
    if repeaters < FEWEST_REPEATERS:
        return Unfit(
            f"{int(repeaters):,} customers bought again, and {model.name} takes {FEWEST_REPEATERS} at least"
        )
    scale = _LONGEST / float(histories.t.max())
    scaled = histories._replace(t_x=histories.t_x * scale, t=histories.t * scale)
    found = most_likely(_mean_likelihood(model.shift, scaled), _STARTS, _NAMES)
    if isinstance(found, Unfit):
        return Unfit(f"{model.name}: {found.reason}")
    r, alpha, a, b = (float(each) for each in found)
    value, _ = _mean_likelihood(model.shift, scaled)(found)
    total = float(histories.weight.sum())
    likelihood = value * total + float(histories.weight @ histories.x) * np.log(scale)
    return FittedPurchases(r=r, alpha=alpha / scale, a=a, b=b, log_likelihood=float(likelihood))


def p_alive(shift: Shift, fitted: FittedPurchases, x: ArrayLike, t_x: ArrayLike, t: ArrayLike) -> Floats:
    """The probability that customers are customers still."""
    repeats = np.asarray(x, np.float64)
    d = _log_odds(shift, fitted, repeats, np.asarray(t_x, np.float64), np.asarray(t, np.float64))
    alive: Floats = expit(-d)
    return np.where(repeats > 0, alive, 1.0) if shift == 0 else alive


def purchases_if_alive(
    shift: Shift, fitted: FittedPurchases, x: ArrayLike, t: ArrayLike, ahead: ArrayLike
) -> Floats:
    """The purchase days expected within weeks `ahead` of customers who are customers still, a row a customer.

    Shape (customers, times ahead); times P(alive) it is what is expected of a customer. Integrated by Gauss-Jacobi
    over the chance to leave after a purchase. Cost grows with the different (x, T).
    """
    repeats, age = np.asarray(x, np.float64), np.asarray(t, np.float64)
    times = np.atleast_1d(np.asarray(ahead, np.float64))
    pairs, inverse = np.unique(np.stack([repeats, age]), axis=1, return_inverse=True)
    expected = np.empty((pairs.shape[1], len(times)))
    for number in np.unique(pairs[0]):
        rows = np.flatnonzero(pairs[0] == number)
        ratio = (times / (fitted.alpha + pairs[1][rows])[:, None]).ravel()
        found = np.empty(len(ratio))
        for start in range(0, len(ratio), _RATIOS_AT_ONCE):
            some, part = ratio[start : start + _RATIOS_AT_ONCE], found[start : start + _RATIOS_AT_ONCE]
            few = some <= _FAR
            for chosen, nodes in ((few, _NODES), (~few, _MORE_NODES)):
                if chosen.any():
                    at, weight = _rule(fitted.a, fitted.b + float(number) + shift, nodes)
                    inner = np.log1p(some[chosen][:, None] * at)
                    part[chosen] = (-np.expm1(-(fitted.r + number) * inner) / at) @ weight
        expected[rows] = found.reshape(len(rows), len(times))
    return expected[np.reshape(inverse, -1)]


def silent_weeks(
    shift: Shift, fitted: FittedPurchases, x: ArrayLike, t_x: ArrayLike, threshold: float
) -> Floats:
    """Weeks after the first purchase day from which P(alive) is below a threshold, unless customers buy again.

    Infinite under BG/NBD for those who bought once. At `t_x` P(alive) may be below it already.
    """
    repeats, last = np.asarray(x, np.float64), np.asarray(t_x, np.float64)
    odds = (1 / threshold - 1) * (fitted.b + repeats + shift - 1) / fitted.a
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        weeks = (fitted.alpha + last) * odds ** (1 / (fitted.r + repeats)) - fitted.alpha
    found: Floats = np.maximum(weeks, last)
    return np.where(repeats > 0, found, np.inf) if shift == 0 else found


def _log_odds(shift: Shift, fitted: FittedPurchases, x: Floats, t_x: Floats, t: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        d: Floats = (
            np.log(fitted.a)
            - np.log(fitted.b + x + shift - 1)
            + (fitted.r + x) * np.log((fitted.alpha + t) / (fitted.alpha + t_x))
        )
    return d


def _mean_likelihood(
    shift: Shift, histories: Histories
) -> Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]:
    """The mean log-likelihood a customer of (r, alpha, a, b), with its gradient by each."""
    x, t_x, t, weight = histories
    share = weight / weight.sum()
    distinct, inverse = np.unique(x, return_inverse=True)
    may_have_left = np.ones(len(x)) if shift else (x > 0).astype(np.float64)

    def value(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        r, alpha, a, b = (float(each) for each in parameters)
        odd = np.where(distinct + shift > 0, b + distinct + shift - 1, 1.0)
        kept = b + distinct + shift
        log_ages, log_gap = np.log(alpha + t), np.log((alpha + t) / (alpha + t_x))
        d = np.log(a) - np.log(odd)[inverse] + (r + x) * log_gap
        left = expit(d) * may_have_left
        of_x = (
            gammaln(r + distinct) - gammaln(r) + r * np.log(alpha)
            + gammaln(kept) - gammaln(a + kept) - gammaln(b) + gammaln(a + b)
        )  # fmt: skip
        by_customer = of_x[inverse] - (r + x) * log_ages + np.logaddexp(0.0, d) * may_have_left
        by_r = (psi(r + distinct) - psi(r) + np.log(alpha))[inverse] - log_ages + left * log_gap
        by_alpha = r / alpha - (r + x) / (alpha + t) + left * (r + x) * (1 / (alpha + t) - 1 / (alpha + t_x))
        by_a = (psi(a + b) - psi(a + kept))[inverse] + left / a
        by_b = (psi(kept) - psi(a + kept) - psi(b) + psi(a + b))[inverse] - left / odd[inverse]
        gradient = np.array([share @ by_r, share @ by_alpha, share @ by_a, share @ by_b])
        return float(share @ by_customer), gradient

    return value


@lru_cache(maxsize=4096)
def _rule(a: float, b: float, nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights for the mean over Beta(a, b)."""
    at, weight = roots_jacobi(nodes, b - 1, a - 1)
    return (1 + at) / 2, weight / weight.sum()
