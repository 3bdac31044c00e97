"""The scores of many customers at once, pure functions of what they did and of one run's terms."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.projections.analytics.customer_arrays import AMOUNT_UNITS, NEVER, CategorySpend, Facts
from services.projections.analytics.measures import QUARTER_DAYS, RHYTHM_DAYS, YEAR_DAYS, Measures
from services.projections.analytics.terms import TIERS, Terms
from services.projections.analytics.values import AT_RISK, Values

LIFECYCLES: Final = ("ended", "prospect", "lapsed", "declining", "new", "growing", "mature")
QUADRANTS: Final = ("VIP", "improve", "maintain", "abandon")
LOYALTY_TYPES: Final = (
    "apostle", "loyalist", "mercenary", "hostage", "terrorist", "defector", "unknown",
)  # fmt: skip
MIXED: Final = "mixed"
NO_TIER: Final = len(TIERS) + 1
UNKNOWN: Final = -1

GONE: Final = 0.3
"""Below this P(alive) a customer is probably gone."""
_GROWTH: Final = 1.25
_HIGH: Final = np.array([9.0, 5.0, 6.0])
"""The least answer of a satisfied customer, by instrument."""
_FEWEST_ORDERS: Final = 3
_PRIOR_ORDERS: Final = 4
_DOMINANT_SHARE: Final = 0.4
_DOMINANT_ORDERS: Final = 2


class Scores(NamedTuple):
    """Arrays by customer number: `r`, `f`, `m` from 1 to 5 and 0 unknown; `tier_rank` from 1, 5 for none.

    `lifecycle`, `quadrant` and `loyalty_type` are places in the tuples above, `quadrant` -1 unknown, as is
    `dominant_category`, a place in the category names or, for none that dominates, the place after the last.
    `silent_days` is NaN for those whose relationship ended or who complain: they do not leave in silence.
    """

    r: NDArray[np.int16]
    f: NDArray[np.int16]
    m: NDArray[np.int16]
    tier_rank: NDArray[np.int16]
    lifecycle: NDArray[np.int16]
    quadrant: NDArray[np.int16]
    loyalty_type: NDArray[np.int16]
    silent_days: NDArray[np.float64]
    coupon_dependence: NDArray[np.float64]
    dominant_category: NDArray[np.int32]


def scores_of(measures: Measures, values: Values, facts: Facts, spend: CategorySpend, terms: Terms) -> Scores:
    """The scores of customers. Pure; cost and memory grow with their number, about 60 bytes each."""
    has = measures.purchased
    ended = (facts.ended_on != NEVER) & (facts.ended_on >= measures.last_day)
    return Scores(
        np.where(has, _falling(measures.recency, terms.recency_cuts), 0).astype(np.int16),
        np.where(has, _rising(measures.days, terms.frequency_cuts), 0).astype(np.int16),
        np.where(has, _rising(*_exact(measures.monetary, terms.monetary_cuts)), 0).astype(np.int16),
        _tier_ranks(has, values.margin_12m, terms),
        _lifecycles(measures, values, ended),
        _quadrants(has, values, terms),
        _loyalty_types(measures, values, facts),
        np.where(ended | facts.complains, np.nan, values.silent_days),
        _coupon_dependence(facts, terms),
        _dominant_categories(spend, len(has)),
    )


def _rising(value: NDArray[Any], cuts: Any) -> NDArray[np.int64]:
    """1 and the number of cuts below the value."""
    return 1 + np.searchsorted(np.asarray(cuts), value, side="left")


def _falling(value: NDArray[Any], cuts: Any) -> NDArray[np.int64]:
    return 5 - np.searchsorted(np.asarray(cuts), value, side="left")


def _exact(units: NDArray[np.int64], cuts: tuple[float, ...]) -> tuple[NDArray[np.int64], list[int]]:
    """Amounts and cuts in whole numbers: a cut lies at fifths of a ten-thousandth."""
    return units * 5, [round(cut * 5 * AMOUNT_UNITS) for cut in cuts]


def _tier_ranks(has: NDArray[np.bool_], margin: NDArray[np.int64], terms: Terms) -> NDArray[np.int16]:
    if not terms.tier_cuts:
        return np.full(len(has), NO_TIER, np.int16)
    conditions = [has & (margin >= cut) for cut in terms.tier_cuts]
    return np.select(conditions, range(1, len(TIERS) + 1), NO_TIER).astype(np.int16)


def _lifecycles(measures: Measures, values: Values, ended: NDArray[np.bool_]) -> NDArray[np.int16]:
    with np.errstate(invalid="ignore"):
        conditions = [
            ended,
            ~measures.purchased,
            (values.p_alive < GONE) | (measures.recency > YEAR_DAYS),
            (values.p_alive < AT_RISK) | measures.rhythmless,
            _new(measures),
            (measures.quarter > _GROWTH * measures.quarter_before) & (measures.quarter_before > 0),
        ]
    return np.select(conditions, range(len(conditions)), len(conditions)).astype(np.int16)


def _new(measures: Measures) -> NDArray[np.bool_]:
    """At most 90 days since the first purchase, fewer than 3 purchase days."""
    since_first = measures.recency.astype(np.int64) + measures.last_day - measures.first_day
    return (since_first <= QUARTER_DAYS) & (measures.days < RHYTHM_DAYS)


def _quadrants(has: NDArray[np.bool_], values: Values, terms: Terms) -> NDArray[np.int16]:
    if not values.forecast or terms.current_median is None or terms.future_median is None:
        return np.full(len(has), UNKNOWN, np.int16)
    now, later = values.margin_12m > terms.current_median, values.clv > terms.future_median
    conditions = [~has, now & later, ~now & later, now & ~later]
    return np.select(conditions, [UNKNOWN, 0, 1, 2], 3).astype(np.int16)


def _loyalty_types(measures: Measures, values: Values, facts: Facts) -> NDArray[np.int16]:
    known = (facts.instrument >= 0) & measures.purchased
    high = facts.answer >= _HIGH[facts.instrument]
    with np.errstate(invalid="ignore"):
        stays = np.where(np.isnan(values.p_alive), ~measures.rhythmless, values.p_alive >= AT_RISK)
    loyal = stays & (measures.days >= RHYTHM_DAYS)
    nps, csat = facts.instrument == 0, facts.instrument == 1
    delighted = (nps & (facts.answer == 10)) | facts.referred  # noqa: PLR2004 - the best answer of the scale
    angry = ((nps & (facts.answer <= 2)) | (csat & (facts.answer == 1))) & facts.complained  # noqa: PLR2004
    conditions = [
        ~known, high & loyal & delighted, high & loyal, high, loyal, angry,
    ]  # fmt: skip
    places = [LOYALTY_TYPES.index(name) for name in ("unknown", "apostle", "loyalist", "mercenary", "hostage",
                                                     "terrorist")]  # fmt: skip
    return np.select(conditions, places, LOYALTY_TYPES.index("defector")).astype(np.int16)


def _coupon_dependence(facts: Facts, terms: Terms) -> NDArray[np.float64]:
    if terms.coupon_share is None:
        return np.full(len(facts.orders), np.nan)
    drawn = (facts.with_coupon + _PRIOR_ORDERS * terms.coupon_share) / (facts.orders + _PRIOR_ORDERS)
    return np.where(facts.orders >= _FEWEST_ORDERS, drawn, np.nan)


def _dominant_categories(spend: CategorySpend, customers: int) -> NDArray[np.int32]:
    dominant = np.full(customers, UNKNOWN, np.int32)
    positive = spend.spend > 0
    owner, category, amount = spend.customer[positive], spend.category[positive], spend.spend[positive]
    if not len(owner):
        return dominant
    total = np.bincount(owner, weights=amount, minlength=customers)
    order = np.lexsort((category, -amount, owner))
    first = order[np.concatenate(([True], np.diff(owner[order]) > 0))]
    whose = owner[first]
    holds = (amount[first] >= _DOMINANT_SHARE * total[whose]) & (
        spend.orders[positive][first] >= _DOMINANT_ORDERS
    )
    dominant[whose] = np.where(holds, category[first], len(spend.names))
    return dominant
