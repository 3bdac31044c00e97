"""What the purchase models know of customers: frequency, recency and age, equal ones counted together."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Histories(NamedTuple):
    """Customers by repeat purchase days `x`, weeks from the first to the last day `t_x`, weeks from the first to now.

    `weight` customers have each; rows are different from each other.
    """

    x: Floats
    t_x: Floats
    t: Floats
    weight: Floats


def grouped(x: ArrayLike, t_x: ArrayLike, t: ArrayLike, weights: ArrayLike | None = None) -> Histories:
    """Histories of which equal ones are one row. Raises `ValueError` where arrays differ in length."""
    columns = (np.asarray(x, np.float64), np.asarray(t_x, np.float64), np.asarray(t, np.float64))
    count = len(columns[0])
    given = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    if any(len(each) != count for each in (*columns, given)):
        raise ValueError("x, t_x, T and weights are of different lengths")
    if count == 0:
        return Histories(columns[0], columns[1], columns[2], given)
    order = np.lexsort(columns[::-1])
    ordered = (columns[0][order], columns[1][order], columns[2][order])
    differs: NDArray[Any] = np.concatenate(
        ([True], np.logical_or.reduce([each[1:] != each[:-1] for each in ordered]))
    )
    starts = np.flatnonzero(differs)
    one, two, three = (each[starts] for each in ordered)
    return Histories(one, two, three, np.add.reduceat(given[order], starts))
