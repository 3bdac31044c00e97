"""The customers of the CDNOW sample as a run has them: arrays of purchase days, by customer number."""

from collections import defaultdict
from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np

from services.ops.demo.sample import Purchase, purchases
from services.projections.analytics.customer_arrays import AMOUNT_UNITS, Days, day_number
from services.projections.analytics.measures import Measures, measures_of

AS_OF: Final = date(1997, 9, 30)
HORIZON_WEEKS: Final = 39


@lru_cache(maxsize=1)
def rows() -> tuple[Purchase, ...]:
    """Every row of the sample."""
    return tuple(purchases())


def customers() -> int:
    """How many there are, all of whom bought in the first quarter of 1997."""
    return len({row.master_id for row in rows()})


@lru_cache(maxsize=2)
def days_until(day: date) -> Days:
    """The purchase days of all customers up to and with a day."""
    numbers = {name: number for number, name in enumerate(sorted({row.master_id for row in rows()}))}
    net: dict[tuple[int, int], int] = defaultdict(int)
    for row in rows():
        if row.day <= day:
            net[numbers[row.master_id], day_number(row.day)] += int(row.dollars * AMOUNT_UNITS)
    found = sorted(net)
    return Days(
        np.array([customer for customer, _ in found], np.int32),
        np.array([number for _, number in found], np.int32),
        np.array([net[each] for each in found], np.int64),
    )


@lru_cache(maxsize=1)
def measures() -> Measures:
    """Their measures as of the day that calibration ends."""
    return measures_of(days_until(AS_OF), customers(), day_number(AS_OF))
