"""Why a model could not be fitted."""

from typing import Final, NamedTuple

FEWEST_REPEATERS: Final = 100
"""Of fewer customers who bought again a fit says little."""


class Unfit(NamedTuple):
    """No fit was possible, for the reason that stands here in words."""

    reason: str
