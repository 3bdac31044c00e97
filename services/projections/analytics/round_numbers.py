"""Round steps for bins and axes: 1, 2, 2.5 and 5, times a power of ten."""

import math
from typing import Final

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_step(least: float) -> float:
    """The least round number that is `least` or more, which is above 0."""
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(magnitude * step for step in _STEPS if magnitude * step >= least * (1 - 1e-9))
