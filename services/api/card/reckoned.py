"""What a card says of the scores of a customer: value tier, stage, loyalty, and a silence with its reason in words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.api.access.disclosure import Disclosure
from services.api.audiences import NO_RUN, consents_needed
from services.projections.analytics.current_run import current_run
from services.projections.analytics.inputs import inputs_of
from services.projections.analytics.reasons import silence_of
from services.projections.analytics.score import Score, scores_of_each
from services.projections.read_models.consents import Consent, is_granted_anywhere

_NOTHING: Final[dict[str, Any]] = dict.fromkeys(("value_tier", "lifecycle", "loyalty_type", "silence"))


class Reckoned(NamedTuple):
    """Members of the card, all null where `reason` says why nothing is shown."""

    members: dict[str, Any]
    reason: str | None

    @property
    def is_shown(self) -> bool:
        """Whether anything of it is."""
        return self.reason is None


async def reckoned_of(
    connection: Any, parties: Sequence[str], words: Sequence[Consent], disclosure: Disclosure, now: datetime
) -> Reckoned:
    """What is reckoned of the customer that some parties are, if the purpose and their consents open it.

    Three small statements, in the transaction that the rest of the card is read in. Raises asyncpg's errors.
    """
    if not disclosure.opens_scores:
        return Reckoned(_NOTHING, f"the purpose {disclosure.purpose}, or the role, does not open scores")
    missing = [each for each in consents_needed(disclosure) if not is_granted_anywhere(words, each)]
    if missing:
        return Reckoned(_NOTHING, f"the customer has not consented to {' and '.join(missing)}")
    run = await current_run(connection)
    if run is None:
        return Reckoned(_NOTHING, NO_RUN)
    inputs = await inputs_of(connection, [parties], now, run.terms.zone)
    [score] = scores_of_each(inputs, run.terms, now)
    return Reckoned(_members(score), None)


def _members(score: Score) -> dict[str, Any]:
    sentence = silence_of(score)
    silence = None
    if sentence is not None:
        silence = {
            "days": score.silence_days,
            "usual_gap_days": score.usual_gap_days,
            "last_purchase": score.last_purchase,
            "reason": sentence,
        }
    return {
        "value_tier": score.tier,
        "lifecycle": score.lifecycle,
        "loyalty_type": score.loyalty_type,
        "silence": silence,
    }
