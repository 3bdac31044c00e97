"""What a run finds in all customers: cuts, parameters, how right they would have been, and figures of the base."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from msgspec import structs
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from services.projections.analytics.backtest import backtest
from services.projections.analytics.customer_arrays import AMOUNT_UNITS, Days, day_number
from services.projections.analytics.cuts import fifths, middle, top_shares
from services.projections.analytics.fits import bg_nbd, gamma_gamma, mbg_nbd
from services.projections.analytics.fits.unfit import Unfit
from services.projections.analytics.measures import Measures, measures_of
from services.projections.analytics.needs import gini, need_share
from services.projections.analytics.scores import (
    LIFECYCLES,
    LOYALTY_TYPES,
    QUADRANTS,
    Scores,
    scores_of,
)
from services.projections.analytics.settings_file import AnalyticsSettings
from services.projections.analytics.terms import TIERS, amount_of, terms_of
from services.projections.analytics.values import Values, values_of
from services.scoring.customer_base import CustomerBase
from services.scoring.progress import Report
from shared.events.analytics import (
    AnalyticsRunCompleted,
    Backtest,
    FittedPurchases,
    FittedSpend,
    RunParameters,
    ScoreCuts,
)

_LIKELIHOOD_DIGITS: Final = 4
_RUN_ID_CHARACTERS: Final = 24
Fitted = TypeVar("Fitted", FittedPurchases, FittedSpend)


class Times(NamedTuple):
    """When a run is of, the date of that in the zone, the day whose knowledge its backtest judges by, and the weeks
    after that day that it is judged against.
    """

    as_of: datetime
    today: date
    tested_on: date
    tested_weeks: int


class Found(NamedTuple):
    """A run, and what its rows are made of."""

    run: AnalyticsRunCompleted
    measures: Measures
    values: Values
    scores: Scores


def find(base: CustomerBase, settings: AnalyticsSettings, times: Times, report: Report) -> Found:
    """Cuts, fits, tests and scores all customers. Pure, and on one thread."""
    with threadpool_limits(1):
        report("fitting")
        measures = measures_of(base.histories.now, base.numbers, day_number(times.today))
        parameters, notes = _parameters(measures)
        report("looking back")
        tested = _backtest(base, times)
        run = AnalyticsRunCompleted(
            run_id=_run_id(base.position, settings, times),
            as_of=times.as_of,
            position=base.position,
            customers=int(measures.purchased.sum()),
            parameters=parameters,
            cuts=_cuts(measures),
            backtest=tested,
            settings=settings.told(),
            figures={"coupon_share": _coupon_share(base)},
            notes=tuple(_notes(base, measures, times.today, notes)),
        )
        report("scoring")
        return _scored(base, measures, run)


def score_again(base: CustomerBase, run: AnalyticsRunCompleted, today: date) -> Found:
    """The scores of all customers under what a run found, without finding anything anew. Pure."""
    with threadpool_limits(1):
        measures = measures_of(base.histories.now, base.numbers, day_number(today))
        terms = terms_of(run)
        values = values_of(measures, terms)
        return Found(run, measures, values, scores_of(measures, values, base.facts, base.spend, terms))


def _scored(base: CustomerBase, measures: Measures, run: AnalyticsRunCompleted) -> Found:
    """Completes the run by what its own parameters say of the base: tiers and medians first, then counts."""
    has = measures.purchased
    values = values_of(measures, terms_of(run))
    figures: dict[str, Any] = dict(run.figures or {})
    if has.any():
        tiers = [amount_of(cut) for cut in top_shares(values.margin_12m[has])]
        figures["tier_cuts"] = dict(zip(TIERS, tiers, strict=True))
        figures["median_margin_12m"] = _amount(middle(values.margin_12m[has]))
        figures["median_clv"] = _amount(middle(values.clv[has])) if values.forecast else None
    figures["value_gini"] = _rounded_or_none(gini(values.margin_12m[has]))
    figures["need_share"] = _rounded_or_none(need_share(base.spend))
    run = structs.replace(run, figures=figures)
    terms = terms_of(run)
    scores = scores_of(measures, values, base.facts, base.spend, terms)
    figures |= _counts(base, measures, scores)
    return Found(structs.replace(run, figures=figures), measures, values, scores)


def _parameters(measures: Measures) -> tuple[RunParameters, list[str]]:
    has = measures.purchased
    history = measures.x[has], measures.t_x[has], measures.t[has]
    paid = measures.paid_days > 0
    notes: list[str] = []

    def kept(fitted: Fitted | Unfit) -> Fitted | None:
        if isinstance(fitted, Unfit):
            notes.append(f"Not fitted: {fitted.reason}.")
            return None
        return rounded(fitted)

    found = RunParameters(
        bg_nbd=kept(bg_nbd.fit(*history)),
        mbg_nbd=kept(mbg_nbd.fit(*history)),
        gamma_gamma=kept(gamma_gamma.fit(measures.paid_days[paid], measures.paid_mean[paid])),
    )
    if found.gamma_gamma is not None and found.gamma_gamma.q <= 1:
        notes.append("No value is forecast: the spend model's q is 1 or less, so that it has no mean.")
    return found, notes


def rounded(fitted: Fitted) -> Fitted:
    """Parameters to 6 significant digits, which is what scores are computed with."""
    values = {
        name: round(value, _LIKELIHOOD_DIGITS) if name == "log_likelihood" else float(f"{value:.6g}")
        for name, value in structs.asdict(fitted).items()
    }
    return structs.replace(fitted, **values)


def _cuts(measures: Measures) -> ScoreCuts | None:
    has = measures.purchased
    if not has.any():
        return None
    return ScoreCuts(
        recency=fifths(measures.recency[has].astype(np.int64)),
        frequency=fifths(measures.days[has].astype(np.int64)),
        monetary=fifths(measures.monetary[has], AMOUNT_UNITS),
    )


def _backtest(base: CustomerBase, times: Times) -> Backtest:
    day = day_number(times.tested_on)
    then = measures_of(base.histories.then, base.numbers, day)
    has = then.purchased
    fitted = mbg_nbd.fit(then.x[has], then.t_x[has], then.t[has])
    bought = _bought_within(base.histories.now, base.numbers, day, times.tested_weeks)
    parameters = None if isinstance(fitted, Unfit) else rounded(fitted)
    return backtest(then, bought, parameters, times.tested_on, times.tested_weeks)


def _bought_within(days: Days, customers: int, day: int, weeks: int) -> NDArray[np.bool_]:
    bought = np.zeros(customers, np.bool_)
    bought[days.customer[(days.day > day) & (days.day <= day + 7 * weeks)]] = True
    return bought


def _coupon_share(base: CustomerBase) -> float | None:
    orders = int(base.facts.orders.sum())
    return float(f"{base.facts.with_coupon.sum() / orders:.6g}") if orders else None


def _counts(base: CustomerBase, measures: Measures, scores: Scores) -> dict[str, Any]:
    has = measures.purchased
    known = base.known
    cells, sizes = np.unique(scores.r[has] * 100 + scores.f[has] * 10 + scores.m[has], return_counts=True)
    lifecycles = _by_name(scores.lifecycle[has], LIFECYCLES)
    return {
        "known": known,
        "without_purchase": known - int(has.sum()),
        "profiled": int((base.facts.profiled & has).sum()),
        "tiers": _by_name(scores.tier_rank[has] - 1, TIERS),
        "lifecycles": lifecycles,
        "quadrants": _by_name(scores.quadrant[has], QUADRANTS),
        "loyalty_types": _by_name(scores.loyalty_type[has], LOYALTY_TYPES),
        "scores": {
            name: np.bincount(getattr(scores, name)[has], minlength=6)[1:].tolist()
            for name in ("r", "f", "m")
        },
        "cells": {str(cell): int(size) for cell, size in zip(cells, sizes, strict=True)},
    }


def _by_name(places: NDArray[np.int16], names: Sequence[str]) -> dict[str, int]:
    return {name: int((places == place).sum()) for place, name in enumerate(names)}


def _notes(base: CustomerBase, measures: Measures, today: date, unfitted: list[str]) -> list[str]:
    notes = []
    if not measures.purchased.any():
        notes.append(f"Nobody bought anything by {today}, so there is nothing to cut, to fit or to compare.")
    else:
        notes.extend(unfitted)
    if base.without_rate:
        mixed = int(base.facts.mixed.sum())
        notes.append(
            f"{mixed:,} customers bought in {', '.join(base.without_rate[:20])}, of which the settings have no rate: "
            "these purchases count as days and not as money."
        )
    if base.too_large:
        notes.append(
            f"{base.too_large:,} groups of more than 1,000 identifiers are linked to each other, are hardly one "
            "customer each, and were left out."
        )
    return notes


def _run_id(position: str, settings: AnalyticsSettings, times: Times) -> str:
    """The same for the same customers at the same times under the same settings."""
    asked = [times.as_of.isoformat(), times.tested_on.isoformat(), times.tested_weeks]
    said = [position, settings.told(), asked]
    digest = sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return f"run-{digest[:_RUN_ID_CHARACTERS]}"


def _amount(units: float | None) -> float | None:
    return None if units is None else float(units) / AMOUNT_UNITS


def _rounded_or_none(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
