"""The purchase models and the spend model say what was published of them, and fits find what made the data."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln

from services.projections.analytics.fits import bg_nbd, gamma_gamma, mbg_nbd
from services.projections.analytics.fits.histories import grouped
from services.projections.analytics.fits.purchase_model import _mean_likelihood
from services.projections.analytics.fits.unfit import Unfit
from shared.events.analytics import FittedPurchases, FittedSpend

BG = FittedPurchases(r=0.243, alpha=4.414, a=0.793, b=2.426, log_likelihood=0)
MBG = FittedPurchases(r=0.5248, alpha=6.183, a=0.8914, b=1.614, log_likelihood=0)
CUSTOMERS = [
    (2, 30.43, 38.86, 0.726579, 1.226028, 0.706118, 1.262629, 27.1271),
    (1, 1.71, 38.86, 0.212101, 0.203187, 0.170822, 0.188787, 8.0902),
    (0, 0.0, 38.86, 1.0, 0.195098, 0.389723, 0.153945, 12.9813),
]


@pytest.mark.parametrize("known", CUSTOMERS)
def test_known_customers_are_told_as_published(known: tuple[float, ...]) -> None:
    x, t_x, t, bg_alive, bg_expected, mbg_alive, mbg_expected, silence = known
    for model, fitted, alive, expected in (
        (bg_nbd, BG, bg_alive, bg_expected),
        (mbg_nbd, MBG, mbg_alive, mbg_expected),
    ):
        found = model.p_alive(fitted, [x], [t_x], [t])
        assert found[0] == pytest.approx(alive, abs=1e-6)
        ahead = found * model.purchases_if_alive(fitted, [x], [t], [39.0])[:, 0]
        assert ahead[0] == pytest.approx(expected, abs=1e-6)
    assert mbg_nbd.silent_weeks(MBG, [x], [t_x], 0.5)[0] - t_x == pytest.approx(silence, abs=1e-4)


def test_silence_begins_where_the_probability_crosses() -> None:
    weeks = mbg_nbd.silent_weeks(MBG, [2], [30.43], 0.3)
    assert mbg_nbd.p_alive(MBG, [2], [30.43], weeks)[0] == pytest.approx(0.3)


def test_who_bought_once_is_never_silent_under_bg() -> None:
    assert bg_nbd.silent_weeks(BG, [0], [0.0], 0.5)[0] == np.inf


@pytest.mark.parametrize(("x", "age", "ahead"), [(0, 0.0, 1.0), (3, 20.0, 2000.0), (60, 52.0, 39.0)])
def test_expected_purchases_are_the_mean_over_the_chance_to_leave(x: int, age: float, ahead: float) -> None:
    s, ratio, kept = MBG.r + x, ahead / (MBG.alpha + age), MBG.b + x + 1

    def density(u: float) -> float:  # p = u ** (1 / a) takes the singularity of p ** (a - 1) away
        p = u ** (1 / MBG.a)
        inner = -np.expm1(-s * np.log1p(ratio * p)) / p if p > 0 else s * ratio
        return float(inner * (1 - p) ** (kept - 1) / MBG.a)

    exact = quad(density, 0, 1, limit=500)[0] / np.exp(betaln(MBG.a, kept))
    found = mbg_nbd.purchases_if_alive(MBG, [x], [age], [ahead])[0, 0]
    assert found == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("shift", [0, 1])
def test_the_gradient_is_the_slope(shift: int) -> None:
    histories = grouped([0, 0, 1, 4], [0, 0, 3.0, 20.0], [9.0, 9.0, 30.0, 21.0])
    assert list(histories.weight) == [2, 1, 1]
    value = _mean_likelihood(1 if shift else 0, histories)
    at = np.array([0.4, 5.0, 0.8, 2.2])
    _, gradient = value(at)
    for index in range(4):
        step = np.zeros(4)
        step[index] = 1e-6
        slope = (value(at + step)[0] - value(at - step)[0]) / 2e-6
        assert gradient[index] == pytest.approx(slope, rel=1e-5)


def test_a_fit_takes_a_hundred_who_bought_again() -> None:
    few = mbg_nbd.fit([1] * 99 + [0] * 500, [3.0] * 99 + [0.0] * 500, [20.0] * 599)
    assert isinstance(few, Unfit)
    assert "99 customers bought again" in few.reason


def test_a_fit_that_runs_to_its_bound_says_so() -> None:
    nobody_leaves = mbg_nbd.fit([30] * 200, [30.0] * 200, [30.0] * 200)
    assert isinstance(nobody_leaves, Unfit)
    assert "bound" in nobody_leaves.reason


def test_spend_is_drawn_to_the_mean_of_all() -> None:
    known = FittedSpend(p=6.25, q=3.74, v=15.44, log_likelihood=0)
    found = gamma_gamma.expected_mean(known, [2, 0], [22.35, 0.0])
    assert found is not None
    assert found[0] == pytest.approx(24.6637, abs=1e-4)
    assert found[1] == pytest.approx(6.25 * 15.44 / 2.74)
    assert (
        gamma_gamma.expected_mean(FittedSpend(p=6.25, q=1, v=15.44, log_likelihood=0), [2], [22.35]) is None
    )


def test_the_spend_model_finds_what_made_the_data() -> None:
    made = np.random.default_rng(7)
    days = made.integers(1, 8, 4000)
    own = made.gamma(4.0, 1 / 15.0, 4000)
    spent = made.gamma(6.0 * days, 1 / (own * days))
    found = gamma_gamma.fit(days, spent)
    assert isinstance(found, FittedSpend)
    assert (found.p, found.q, found.v) == pytest.approx((6.0, 4.0, 15.0), rel=0.15)
