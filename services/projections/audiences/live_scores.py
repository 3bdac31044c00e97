"""Scores of many customers as they are now: from their purchases and the rest, by the parameters of a run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.projections.analytics.inputs import inputs_of
from services.projections.analytics.score import Score, scores_of_each
from services.projections.analytics.terms import Terms

MOST_AT_ONCE: Final = 200
"""How many customers' inputs are read together."""


async def live_scores(
    connection: Any, customers: Sequence[Sequence[str]], terms: Terms, as_of: datetime
) -> list[Score]:
    """The score of each customer, given by their parties, from events up to `as_of`. Raises asyncpg's errors."""
    scores: list[Score] = []
    for start in range(0, len(customers), MOST_AT_ONCE):
        some = customers[start : start + MOST_AT_ONCE]
        inputs = await inputs_of(connection, some, as_of, terms.zone)
        scores += scores_of_each(inputs, terms, as_of)
    return scores
