"""MBG/NBD: a customer may leave after the first purchase already."""

from typing import Final

from numpy.typing import ArrayLike

from services.projections.analytics.fits import purchase_model
from services.projections.analytics.fits.histories import Floats
from services.projections.analytics.fits.purchase_model import Model, fit_purchases
from services.projections.analytics.fits.unfit import Unfit
from shared.events.analytics import FittedPurchases

MODEL: Final = Model("MBG/NBD", 1)


def fit(
    x: ArrayLike, t_x: ArrayLike, t: ArrayLike, weights: ArrayLike | None = None
) -> FittedPurchases | Unfit:
    """See `purchase_model.fit_purchases`."""
    return fit_purchases(MODEL, x, t_x, t, weights)


def p_alive(fitted: FittedPurchases, x: ArrayLike, t_x: ArrayLike, t: ArrayLike) -> Floats:
    """See `purchase_model.p_alive`."""
    return purchase_model.p_alive(MODEL.shift, fitted, x, t_x, t)


def purchases_if_alive(fitted: FittedPurchases, x: ArrayLike, t: ArrayLike, ahead: ArrayLike) -> Floats:
    """See `purchase_model.purchases_if_alive`."""
    return purchase_model.purchases_if_alive(MODEL.shift, fitted, x, t, ahead)


def silent_weeks(fitted: FittedPurchases, x: ArrayLike, t_x: ArrayLike, threshold: float) -> Floats:
    """See `purchase_model.silent_weeks`."""
    return purchase_model.silent_weeks(MODEL.shift, fitted, x, t_x, threshold)
