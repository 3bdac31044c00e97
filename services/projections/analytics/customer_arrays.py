"""Many customers as arrays: their purchase days, and what else is known of each, by customer number."""

from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

AMOUNT_UNITS: Final = 10_000
"""Amounts are whole numbers of ten-thousandths of the base currency: exact, as no currency has more decimals."""
MOST_AMOUNT: Final = 100_000_000_000
"""Of a customer's day in one currency, and of what they spent on a category, no more counts, in the base currency.

Only a till that errs sends more, and what all customers spent must still be a number of 64 bits.
"""
FIRST_DAY: Final = date(1970, 1, 1)
"""Days are numbered from here."""
INSTRUMENTS: Final = ("nps", "csat", "servqual")
"""By the numbers that `Facts.instrument` has."""
NEVER: Final = int(np.iinfo(np.int32).min)
"""The day of what did not happen."""


class Days(NamedTuple):
    """Purchase days, sorted by customer and day, each once: `net` in ten-thousandths of the base currency."""

    customer: NDArray[np.int32]
    day: NDArray[np.int32]
    net: NDArray[np.int64]


class Facts(NamedTuple):
    """What is known beside purchase days. `instrument` is -1 and `ended_on` `NEVER` where nothing was said.

    `answer` is the score of the latest answer of the 12 months, the mean of dimensions for SERVQUAL. `complained` says
    that a complaint was rejected or reopened, `complains` that one is open. `mixed` says that something was bought in a
    currency without a rate, `profiled` that profiling is allowed.
    """

    instrument: NDArray[np.int8]
    answer: NDArray[np.float64]
    complains: NDArray[np.bool_]
    complained: NDArray[np.bool_]
    referred: NDArray[np.bool_]
    ended_on: NDArray[np.int32]
    profiled: NDArray[np.bool_]
    orders: NDArray[np.int32]
    with_coupon: NDArray[np.int32]
    mixed: NDArray[np.bool_]


class CategorySpend(NamedTuple):
    """What was spent on categories: a row a customer and category, sorted by customer; `names` by category number."""

    customer: NDArray[np.int32]
    category: NDArray[np.int32]
    spend: NDArray[np.int64]
    orders: NDArray[np.int32]
    names: list[str]


def day_number(day: date) -> int:
    """The number of a day."""
    return (day - FIRST_DAY).days
