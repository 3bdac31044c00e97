"""Where values of customers are cut: into fifths for scores, at top shares for tiers, at the middle for quadrants."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_PARTS: Final = 5
TOP_PERCENT: Final = (1, 5, 20, 100)
"""How many per cent of customers have a tier or a better one, from VIP to C."""


def fifths(values: NDArray[np.int64], units: int = 1) -> tuple[float, ...]:
    """The four type-7 quantiles of whole numbers, of which `units` are one; none of no values.

    Computed in whole numbers, so that each is the float nearest to the exact decimal.
    """
    if not len(values):
        return ()
    ordered = np.sort(values)
    cuts = []
    for part in range(1, _PARTS):
        place, rest = divmod((len(ordered) - 1) * part, _PARTS)
        low, high = int(ordered[place]), int(ordered[min(place + 1, len(ordered) - 1)])
        cuts.append((low * _PARTS + (high - low) * rest) / (_PARTS * units))
    return tuple(cuts)


def top_shares(values: NDArray[np.int64]) -> tuple[int, ...]:
    """The least value of the top 1, 5, 20 and 100 per cent; none of no values.

    Above the last nobody is put who is worth nothing, however few are worth something.
    """
    if not len(values):
        return ()
    falling = np.sort(values)[::-1]
    cuts = [int(falling[-(-len(falling) * percent // 100) - 1]) for percent in TOP_PERCENT]
    return (*(max(cut, 1) for cut in cuts[:-1]), cuts[-1])


def middle(values: NDArray[np.int64]) -> float | None:
    """The median, None of no values."""
    return float(np.median(values)) if len(values) else None
