"""The scores of single customers: what the run's functions say of the few that are asked for, as they are now."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from services.projections.analytics.customer_arrays import (
    AMOUNT_UNITS,
    FIRST_DAY,
    INSTRUMENTS,
    MOST_AMOUNT,
    NEVER,
    CategorySpend,
    Days,
    Facts,
    day_number,
)
from services.projections.analytics.inputs import ScoreInputs
from services.projections.analytics.measures import Measures, measures_of
from services.projections.analytics.scores import (
    LIFECYCLES,
    LOYALTY_TYPES,
    MIXED,
    NO_TIER,
    QUADRANTS,
    UNKNOWN,
    Scores,
    scores_of,
)
from services.projections.analytics.terms import TIERS, Terms
from services.projections.analytics.values import Values, values_of

_EXACT: Final = Decimal("0.0001")
_DECIMALS: Final = -4
_MICROSECONDS_A_DAY: Final = 86_400_000_000


class Score(NamedTuple):
    """What is reckoned of a customer. None means not known, and never 0; amounts are in the base currency.

    `recency_days` and `silence_days` are days since the last purchase day, `x`, `t_x` and `t` repeat days and weeks.
    `r`, `f` and `m` are from 1 to 5. `value_at_stake` is the value within the horizon of who is a customer still.
    `silent_from` is when silence began or will begin; who ended the relationship or has an open complaint leaves aloud,
    and has none. `currency_mixed` says that amounts in currencies without a rate were left out.
    """

    purchase_days: int
    first_purchase: date | None
    last_purchase: date | None
    recency_days: int | None
    monetary: Decimal | None
    currency_mixed: bool
    r: int | None
    f: int | None
    m: int | None
    x: int | None
    t_x: float | None
    t: float | None
    p_alive: float | None
    silent_from: datetime | None
    silence_days: int | None
    usual_gap_days: float | None
    is_out_of_rhythm: bool
    clv: Decimal | None
    value_at_stake: Decimal | None
    margin_12m: Decimal | None
    tier: str | None
    lifecycle: str
    quadrant: str | None
    loyalty_type: str
    coupon_dependence: float | None
    dominant_category: str | None
    has_open_complaint: bool
    ended_on: date | None

    @property
    def tier_rank(self) -> int:
        """1 for the highest tier, and one more than there are for none."""
        return NO_TIER if self.tier is None else TIERS.index(self.tier) + 1


def scores_of_each(inputs: Sequence[ScoreInputs], terms: Terms, as_of: datetime) -> list[Score]:
    """The scores of customers whose inputs are those of `as_of`: what a run at that time would say, under its terms."""
    zone = ZoneInfo(terms.zone)
    days = _days(inputs, terms)
    measures = measures_of(days, len(inputs), day_number(as_of.astimezone(zone).date()))
    values = values_of(measures, terms)
    spend = _category_spend(inputs, terms)
    scores = scores_of(measures, values, _facts(inputs, terms), spend, terms)
    told = _Told(measures, values, scores, spend, zone)
    return [told.score(place, each, _mixed(each, terms)) for place, each in enumerate(inputs)]


class _Told(NamedTuple):
    """Arrays of some customers, told one by one."""

    measures: Measures
    values: Values
    scores: Scores
    spend: CategorySpend
    zone: ZoneInfo

    def score(self, place: int, inputs: ScoreInputs, mixed: bool) -> Score:  # noqa: FBT001 - a figure of the customer
        measures, values, scores = self.measures, self.values, self.scores
        bought = bool(measures.purchased[place])
        forecast = bought and values.forecast
        rank = int(scores.tier_rank[place])
        quadrant = int(scores.quadrant[place])
        recency = int(measures.recency[place]) if bought else None
        return Score(
            purchase_days=int(measures.days[place]),
            first_purchase=_day(measures.first_day[place]) if bought else None,
            last_purchase=_day(measures.last_day[place]) if bought else None,
            recency_days=recency,
            monetary=_amount(measures.monetary[place]) if bought else None,
            currency_mixed=mixed,
            r=int(scores.r[place]) or None,
            f=int(scores.f[place]) or None,
            m=int(scores.m[place]) or None,
            x=int(measures.x[place]) if bought else None,
            t_x=float(measures.t_x[place]) if bought else None,
            t=float(measures.t[place]) if bought else None,
            p_alive=_known(values.p_alive[place]),
            silent_from=self._silent_from(place),
            silence_days=recency,
            usual_gap_days=_known(measures.usual_gap[place]),
            is_out_of_rhythm=bool(measures.rhythmless[place]),
            clv=_amount(values.clv[place]) if forecast else None,
            value_at_stake=_amount(values.at_stake[place]) if forecast else None,
            margin_12m=_amount(values.margin_12m[place]) if bought else None,
            tier=None if rank == NO_TIER else TIERS[rank - 1],
            lifecycle=LIFECYCLES[int(scores.lifecycle[place])],
            quadrant=None if quadrant == UNKNOWN else QUADRANTS[quadrant],
            loyalty_type=LOYALTY_TYPES[int(scores.loyalty_type[place])],
            coupon_dependence=_known(scores.coupon_dependence[place]),
            dominant_category=self._category(place),
            has_open_complaint=inputs.has_open_complaint,
            ended_on=inputs.ended_on,
        )

    def _silent_from(self, place: int) -> datetime | None:
        days = _known(self.scores.silent_days[place])
        if days is None:
            return None
        first = datetime.combine(_day(self.measures.first_day[place]), time(), self.zone).astimezone(UTC)
        return first + timedelta(microseconds=round(days * _MICROSECONDS_A_DAY))

    def _category(self, place: int) -> str | None:
        category = int(self.scores.dominant_category[place])
        if category == UNKNOWN:
            return None
        return MIXED if category == len(self.spend.names) else self.spend.names[category]


def _days(inputs: Sequence[ScoreInputs], terms: Terms) -> Days:
    rates = _rates(terms)
    found = [
        (
            place,
            day_number(each.day),
            sum(_units(net * rates[name]) for name, net in each.net.items() if name in rates),
        )
        for place, customer in enumerate(inputs)
        for each in customer.days
    ]
    return Days(
        np.array([each[0] for each in found], np.int32),
        np.array([each[1] for each in found], np.int32),
        np.array([each[2] for each in found], np.int64),
    )


def _facts(inputs: Sequence[ScoreInputs], terms: Terms) -> Facts:
    answers = [each.satisfaction for each in inputs]
    return Facts(
        np.array([-1 if each is None else INSTRUMENTS.index(each.instrument) for each in answers], np.int8),
        np.array([np.nan if each is None else float(each.score) for each in answers], np.float64),
        np.array([each.has_open_complaint for each in inputs], np.bool_),
        np.array([each.complained for each in inputs], np.bool_),
        np.array([each.referrals > 0 for each in inputs], np.bool_),
        np.array(
            [NEVER if each.ended_on is None else day_number(each.ended_on) for each in inputs], np.int32
        ),
        np.ones(len(inputs), np.bool_),
        np.array([each.orders for each in inputs], np.int32),
        np.array([each.orders_with_coupon for each in inputs], np.int32),
        np.array([_mixed(each, terms) for each in inputs], np.bool_),
    )


def _category_spend(inputs: Sequence[ScoreInputs], terms: Terms) -> CategorySpend:
    rates = _rates(terms)
    names = sorted({each.category for customer in inputs for each in customer.categories})
    rows = [row for place, each in enumerate(inputs) for row in _spent(place, each, rates, names)]
    return CategorySpend(
        np.array([each[0] for each in rows], np.int32),
        np.array([each[1] for each in rows], np.int32),
        np.array([each[2] for each in rows], np.int64),
        np.array([each[3] for each in rows], np.int32),
        names,
    )


def _spent(
    place: int, inputs: ScoreInputs, rates: Mapping[str, Decimal], names: Sequence[str]
) -> Iterator[tuple[int, int, int, int]]:
    amounts: dict[str, Decimal] = {}
    orders: dict[str, int] = {}
    for each in inputs.categories:
        if each.currency in rates:
            amounts[each.category] = (
                amounts.get(each.category, Decimal(0)) + each.amount * rates[each.currency]
            )
            orders[each.category] = orders.get(each.category, 0) + each.orders
    for category, name in enumerate(names):
        if name in amounts:
            yield place, category, _units(amounts[name]), orders[name]


def _rates(terms: Terms) -> Mapping[str, Decimal]:
    return {**terms.rates, terms.base_currency: Decimal(1)}


def _mixed(inputs: ScoreInputs, terms: Terms) -> bool:
    rates = _rates(terms)
    return any(currency not in rates for each in inputs.days for currency in each.net)


def _units(amount: Decimal) -> int:
    bounded = min(max(amount, Decimal(-MOST_AMOUNT)), Decimal(MOST_AMOUNT))
    return int(bounded.quantize(_EXACT, ROUND_HALF_UP) * AMOUNT_UNITS)


def _amount(units: Any) -> Decimal:
    return Decimal(int(units)).scaleb(_DECIMALS)


def _day(number: Any) -> date:
    return FIRST_DAY + timedelta(days=int(number))


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
