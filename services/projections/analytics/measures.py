"""What purchase days say of each customer, before anything is compared with others or fitted."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.projections.analytics.customer_arrays import AMOUNT_UNITS, NEVER, Days

YEAR_DAYS: Final = 365
QUARTER_DAYS: Final = 90
RHYTHM_DAYS: Final = 3
"""Purchase days from which a customer has a rhythm."""
_CENT: Final = AMOUNT_UNITS // 100


class Measures(NamedTuple):
    """Arrays by customer number; without a purchase day `days` is 0 and the others say nothing.

    `x`, `t_x` and `t` are repeat days and weeks as the purchase models take them, weeks to two decimals. `usual_gap` is
    the median of days between purchase days, NaN under three of these. Of the repeat days `paid_days` had a net amount
    above 0, of `paid_mean` in the base currency to the cent. `year`, `quarter` and `quarter_before` are net amounts of
    the last 365 days, the last 90 and the 90 before. `monetary` is all of it. `purchased` says who has a day.
    """

    days: NDArray[np.int32]
    first_day: NDArray[np.int32]
    last_day: NDArray[np.int32]
    recency: NDArray[np.int32]
    x: NDArray[np.float64]
    t_x: NDArray[np.float64]
    t: NDArray[np.float64]
    usual_gap: NDArray[np.float64]
    monetary: NDArray[np.int64]
    paid_days: NDArray[np.int32]
    paid_mean: NDArray[np.float64]
    year: NDArray[np.int64]
    quarter: NDArray[np.int64]
    quarter_before: NDArray[np.int64]

    @property
    def purchased(self) -> NDArray[np.bool_]:
        """Who has a purchase day."""
        return self.days > 0

    @property
    def rhythmless(self) -> NDArray[np.bool_]:
        """Who is silent for more than three times their usual gap."""
        with np.errstate(invalid="ignore"):
            return self.recency > 3 * self.usual_gap


def measures_of(days: Days, customers: int, today: int) -> Measures:
    """The measures of `customers` numbers on the day of a number, from days that are none later.

    Pure. Cost and memory grow with days and customers, about 100 bytes each.
    """
    owner, day, net = days
    count = np.bincount(owner, minlength=customers).astype(np.int32)
    has = count > 0
    starts = (np.cumsum(count) - count)[has]
    ends = starts + count[has] - 1

    def sums(amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        return _spread(has, np.add.reduceat(amounts, starts) if len(starts) else amounts, np.int64)

    first, last = _spread(has, day[starts], np.int32, NEVER), _spread(has, day[ends], np.int32, NEVER)
    repeat = np.ones(len(day), np.bool_)
    repeat[starts] = False
    paid = repeat & (net > 0)
    age = today - day
    paid_days = sums(paid.astype(np.int64))
    return Measures(
        count,
        first,
        last,
        np.where(has, today - last.astype(np.int64), 0).astype(np.int32),
        np.maximum(count - 1, 0).astype(np.float64),
        _weeks(np.where(has, last.astype(np.int64) - first, 0)),
        _weeks(np.where(has, today - first.astype(np.int64), 0)),
        _median_gaps(owner, day, repeat, count),
        sums(net),
        paid_days.astype(np.int32),
        _mean_to_the_cent(sums(np.where(paid, net, 0)), paid_days),
        sums(np.where(age < YEAR_DAYS, net, 0)),
        sums(np.where(age < QUARTER_DAYS, net, 0)),
        sums(np.where((age >= QUARTER_DAYS) & (age < 2 * QUARTER_DAYS), net, 0)),
    )


def _weeks(days: NDArray[Any]) -> NDArray[np.float64]:
    weeks: NDArray[np.float64] = np.round(days / 7, 2)
    return weeks


def _mean_to_the_cent(total: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rounded half up, in whole numbers."""
    divisor = 2 * _CENT * np.maximum(count, 1)
    cents: NDArray[np.float64] = (2 * total + _CENT * np.maximum(count, 1)) // divisor / 100
    return cents


def _median_gaps(
    owner: NDArray[np.int32], day: NDArray[np.int32], repeat: NDArray[np.bool_], count: NDArray[np.int32]
) -> NDArray[np.float64]:
    median = np.full(len(count), np.nan)
    gap = np.diff(day, prepend=0)[repeat]
    whose = owner[repeat]
    gap = gap[np.lexsort((gap, whose))]
    gaps = np.maximum(count - 1, 0).astype(np.int64)
    starts = np.cumsum(gaps) - gaps
    has = count >= RHYTHM_DAYS
    low, high = (starts + (gaps - 1) // 2)[has], (starts + gaps // 2)[has]
    median[has] = (gap[low] + gap[high]) / 2
    return median


def _spread(at: NDArray[np.bool_], values: NDArray[Any], of: Any, nothing: int = 0) -> NDArray[Any]:
    spread = np.full(len(at), nothing, of)
    spread[at] = values
    return spread
