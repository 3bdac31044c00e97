"""How customers are spread over a measure, counted over the stored scores of the run in force: everybody's."""

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from services.projections.analytics.round_numbers import round_step

Shape = Literal["numbers", "share", "kinds", "value", "silence"]

MOST_BINS: Final = 20
MOST_KINDS: Final = 12
"""Kinds that are told one by one; customers of the others are told together."""
MOST_STEPS: Final = 520
AHEAD: Final = timedelta(weeks=52)
"""How far beyond the run silence is told, if nobody bought again."""
_SCORES: Final = ("1", "2", "3", "4", "5")
OTHERS: Final = "all others"
_CURVE_POINTS: Final = 100
_NEARLY_ALL: Final = 0.99


class Measure(NamedTuple):
    """Something that customers can be counted by. `kinds` is the order of its words, where it has an order.

    `money` says that numbers are amounts in the base currency, `unit` what they are otherwise.
    """

    title: str
    shape: Shape
    unit: str = ""
    money: bool = False
    whole: bool = False
    kinds: tuple[str, ...] = ()


MEASURES: Final[Mapping[str, Measure]] = {
    "recency_days": Measure("Days since the last purchase", "numbers", "days", whole=True),
    "purchase_days": Measure("Days with a purchase", "numbers", "days", whole=True),
    "monetary": Measure("Net amount of purchases", "numbers", money=True),
    "r": Measure("Recency score", "kinds", kinds=_SCORES),
    "f": Measure("Frequency score", "kinds", kinds=_SCORES),
    "m": Measure("Monetary score", "kinds", kinds=_SCORES),
    "p_alive": Measure("Probability of being a customer still", "share"),
    "usual_gap_days": Measure("Usual days between purchases", "numbers", "days"),
    "silence_days": Measure("Days of silence", "numbers", "days", whole=True),
    "clv": Measure("Expected value within the horizon", "numbers", money=True),
    "value_at_stake": Measure("Value at stake", "numbers", money=True),
    "margin_12m": Measure("Net margin of 12 months", "numbers", money=True),
    "coupon_dependence": Measure("Share of purchases with a coupon", "share"),
    "tier": Measure("Customers by tier", "kinds", kinds=("VIP", "A", "B", "C")),
    "lifecycle": Measure(
        "Customers by lifecycle", "kinds",
        kinds=("prospect", "new", "growing", "mature", "declining", "lapsed", "ended"),
    ),
    "quadrant": Measure(
        "Customers by present and future value", "kinds", kinds=("VIP", "improve", "maintain", "abandon")
    ),
    "loyalty_type": Measure(
        "Customers by loyalty and satisfaction", "kinds",
        kinds=("apostle", "loyalist", "mercenary", "hostage", "defector", "terrorist", "unknown"),
    ),
    "dominant_category": Measure("Customers by the category they buy most of", "kinds"),
    "value": Measure("Value held by the best customers", "value", money=True),
    "silence": Measure("Customers silent by a day, unless they buy again", "silence"),
}  # fmt: skip
"""By name. Most are columns of scores; `value` and `silence` are curves over `margin_12m` and `silent_from`."""


class Bin(NamedTuple):
    """Customers from `least` on and below `most`; None: and more. Where nothing lies above, `most` is included."""

    least: float
    most: float | None
    customers: int


class Kind(NamedTuple):
    """Customers of a kind."""

    name: str
    customers: int


class Point(NamedTuple):
    """The best `customers`, a share of all, hold `value`, a share of all."""

    customers: float
    value: float


class Step(NamedTuple):
    """From `day` on so many customers are silent."""

    day: date
    customers: int


Shown: TypeAlias = list[Bin] | list[Kind] | list[Point] | list[Step]


class Distribution(NamedTuple):
    """What is known of a measure. `unknown` are those of the customers of whom it is not known.

    For silence the customers are those of 3 purchase days or more, and `unknown` those whose silence lies far ahead.
    """

    customers: int
    unknown: int
    shown: Shown


async def distribution_of(connection: Any, name: str, as_of: datetime, zone: str) -> Distribution:
    """The distribution of a measure, over all rows of `live.scores`.

    Cost grows with the number of customers: up to a second for a million. Raises asyncpg's errors.
    """
    measure = MEASURES[name]
    match measure.shape:
        case "numbers":
            return await _numbers(connection, name, measure)
        case "share":
            return await _counted_bins(connection, name, 0.0, 1 / MOST_BINS, MOST_BINS, is_open=False)
        case "kinds":
            return await _kinds(connection, name, measure)
        case "value":
            return await _value(connection)
        case "silence":
            return await _silence(connection, as_of, zone)


async def _numbers(connection: Any, name: str, measure: Measure) -> Distribution:
    found = await connection.fetchrow(_BOUNDS.format(name), _NEARLY_ALL)
    if found["least"] is None:
        return Distribution(found["customers"], found["customers"], [])
    least, usual, most = float(found["least"]), float(found["usual"]), float(found["most"])
    step = bin_width(usual - least, whole=measure.whole)
    start = math.floor(least / step) * step
    bins = max(1, math.ceil((usual - start) / step + 1e-9))
    if start + bins * step <= usual:
        bins += 1
    return await _counted_bins(connection, name, start, step, bins, is_open=most > start + bins * step)


def bin_width(span: float, *, whole: bool) -> float:
    """The least round width of which `MOST_BINS` cover a span; 1 at least for whole numbers."""
    rough = span / MOST_BINS
    if rough <= 0:
        return 1.0
    width = round_step(rough)
    return max(1.0, math.ceil(width)) if whole else width


async def _counted_bins(
    connection: Any, name: str, start: float, step: float, bins: int, *, is_open: bool
) -> Distribution:
    counts = {row["bin"]: row["customers"] for row in await connection.fetch(_BINS.format(name), start, step)}
    unknown = counts.pop(None, 0)
    customers = unknown + sum(counts.values())
    edges = [round(start + step * place, 9) for place in range(bins + 1)]
    shown = [Bin(edges[place], edges[place + 1], counts.get(place, 0)) for place in range(bins)]
    beyond = sum(count for place, count in counts.items() if place >= bins)
    if is_open:
        shown.append(Bin(edges[-1], None, beyond))
    elif beyond:
        shown[-1] = shown[-1]._replace(customers=shown[-1].customers + beyond)
    return Distribution(customers, unknown, shown)


async def _kinds(connection: Any, name: str, measure: Measure) -> Distribution:
    counts = {row["kind"]: row["customers"] for row in await connection.fetch(_KINDS.format(name))}
    unknown = counts.pop(None, 0)
    customers = unknown + sum(counts.values())
    if measure.kinds:
        return Distribution(customers, unknown, [Kind(each, counts.get(each, 0)) for each in measure.kinds])
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    shown = [Kind(*each) for each in most[:MOST_KINDS]]
    if len(most) > MOST_KINDS:
        shown.append(Kind(OTHERS, sum(count for _, count in most[MOST_KINDS:])))
    return Distribution(customers, unknown, shown)


async def _value(connection: Any) -> Distribution:
    rows = await connection.fetch(_VALUE, _CURVE_POINTS)
    unknown = await connection.fetchval("select count(*) from live.scores where margin_12m is null")
    customers = sum(row["customers"] for row in rows)
    total = sum(row["value"] for row in rows)
    shown: list[Point] = []
    if total > 0:
        shown.append(Point(0.0, 0.0))
        so_far, held = 0, 0 * total
        for row in rows:
            so_far, held = so_far + row["customers"], held + row["value"]
            shown.append(Point(round(so_far / customers, 6), round(float(held / total), 6)))
    return Distribution(customers + unknown, unknown, shown)


async def _silence(connection: Any, as_of: datetime, zone: str) -> Distribution:
    rows = await connection.fetch(_SILENCE, zone, as_of + AHEAD)
    customers = await connection.fetchval(_ALARMABLE)
    silent = 0
    shown: list[Step] = []
    for row in rows:
        silent += row["customers"]
        shown.append(Step(row["day"], silent))
    if (
        len(shown) > MOST_STEPS
    ):  # the last ones tell each week, and the first of them how many there were before
        shown = shown[-MOST_STEPS:]
    return Distribution(customers, customers - silent, shown)


_BOUNDS: Final = """
select count(*) as customers, min({0}) as least, max({0}) as most,
    percentile_disc($1::float8) within group (order by {0}) as usual
from live.scores
"""
_BINS: Final = """
select floor(({0}::float8 - $1::float8) / $2::float8 + 1e-9)::integer as bin, count(*) as customers
from live.scores group by 1
"""
_KINDS: Final = "select {0}::text as kind, count(*) as customers from live.scores group by 1"
_VALUE: Final = """
select part, count(*) as customers, sum(value) as value from (
    select greatest(margin_12m, 0) as value, ntile($1::integer) over (order by margin_12m desc) as part
    from live.scores where margin_12m is not null
) parted group by part order by part
"""
_ALARMABLE: Final = "select count(*) from live.scores where purchase_days >= 3"
"""Of others there is too little to tell silence from their usual rhythm."""
_SILENCE: Final = """
select date_trunc('week', silent_from at time zone $1::text)::date as day, count(*) as customers
from live.scores where purchase_days >= 3 and silent_from < $2::timestamptz group by 1 order by 1
"""
