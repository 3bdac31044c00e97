"""What single scores are computed with: the parameters, cuts and settings that a scoring run recorded."""

from decimal import Decimal
from typing import Any, Final, NamedTuple

from services.projections.analytics.customer_arrays import AMOUNT_UNITS
from shared.events.analytics import AnalyticsRunCompleted, FittedPurchases, FittedSpend

TIERS: Final = ("VIP", "A", "B", "C")
"""From the most valuable; a tier's rank is its place from 1, and 5 that of no tier."""


class Terms(NamedTuple):
    """Of one run. Amounts are in ten-thousandths of the base currency; what the run did not find is None.

    `tier_cuts` are the least net margins of 12 months of the tiers. The medians are of that margin and of CLV.
    """

    zone: str
    base_currency: str
    rates: dict[str, Decimal]
    margin: float
    discount_rate: float
    horizon_weeks: int
    purchases: FittedPurchases | None
    spend: FittedSpend | None
    recency_cuts: tuple[float, ...]
    frequency_cuts: tuple[float, ...]
    monetary_cuts: tuple[float, ...]
    tier_cuts: tuple[int, ...]
    current_median: int | None
    future_median: int | None
    coupon_share: float | None


def terms_of(run: AnalyticsRunCompleted) -> Terms:
    """The terms of a run. Raises `KeyError` where an event of another producer left its settings out."""
    settings, figures = run.settings or {}, run.figures or {}
    cuts = run.cuts
    tiers = figures.get("tier_cuts")
    return Terms(
        settings["zone"],
        settings["base_currency"],
        {currency: Decimal(rate) for currency, rate in settings["rates"].items()},
        settings["margin"],
        settings["discount_rate"],
        settings["horizon_weeks"],
        run.parameters.mbg_nbd,
        run.parameters.gamma_gamma,
        cuts.recency if cuts else (),
        cuts.frequency if cuts else (),
        cuts.monetary if cuts else (),
        tuple(_units(tiers[tier]) or 0 for tier in TIERS) if tiers else (),
        _units(figures.get("median_margin_12m")),
        _units(figures.get("median_clv")),
        figures.get("coupon_share"),
    )


def amount_of(units: int) -> float:
    """An amount as a run records it, in the base currency."""
    return int(units) / AMOUNT_UNITS


def _units(amount: Any) -> int | None:
    return None if amount is None else round(Decimal(str(amount)) * AMOUNT_UNITS)
