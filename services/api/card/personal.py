"""Which personal data a card shows: what the purpose opens, of what is there."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from services.api.access.purposes import NEEDS_CONSENT, Disclosed, Purpose, opened_for, withheld_from
from services.api.card.found import Found
from services.projections.read_models.consents import is_granted_anywhere
from services.projections.read_models.profile import CATEGORIES
from shared.events.vocabulary import PersonalCategory
from shared.field_cipher import Sealing
from shared.personal_data.opener import Opener, SealedValue

_OF_TITLES: Final[PersonalCategory] = "free_text"
_HELD: Final = frozenset[Disclosed]({*CATEGORIES.values(), _OF_TITLES})
"""The categories that a card may hold."""


class Personal(NamedTuple):
    """Opened values: attributes by name, and titles of tasks by task; None where the key is gone.

    `shown` are the categories of what was opened, `withheld` those that a card may hold and the purpose does not open,
    whether anything of theirs is there or not; both in the order of the catalogue. `lacks_consent` is whether the
    purpose opens nothing for want of the customer's consent.
    """

    attributes: Mapping[str, Any]
    titles: Mapping[str, Any]
    shown: list[Disclosed]
    withheld: list[Disclosed]
    lacks_consent: bool


async def personal_of(found: Found, purpose: Purpose, opener: Opener) -> Personal:
    """What a purpose opens of a customer. Raises `KeyStoreUnavailableError`."""
    lacks_consent = purpose in NEEDS_CONSENT and not is_granted_anywhere(found.consents, "marketing")
    opens = frozenset[Disclosed]() if lacks_consent else opened_for(purpose)
    attributes = {name: told for name, told in found.attributes.items() if CATEGORIES.get(name) in opens}
    tasks = [each for each in found.tasks if each["title"] is not None] if _OF_TITLES in opens else []
    values = [
        *(
            SealedValue(told["value"], Sealing(told["party"], CATEGORIES[name], told["event_id"]))
            for name, told in attributes.items()
        ),
        *(
            SealedValue(each["title"], Sealing(each["subject"], _OF_TITLES, each["event_id"] or ""))
            for each in tasks
        ),
    ]
    opened = await opener.open(values) if values else []
    there = _there(found)
    return Personal(
        attributes=dict(zip(attributes, opened, strict=False)),
        titles=dict(zip((each["task_id"] for each in tasks), opened[len(attributes) :], strict=True)),
        shown=[each for each in withheld_from(withheld_from(opens)) if each in there],
        withheld=[each for each in withheld_from(opens) if each in _HELD],
        lacks_consent=lacks_consent,
    )


def _there(found: Found) -> Collection[PersonalCategory]:
    there = {CATEGORIES[name] for name in found.attributes if name in CATEGORIES}
    if any(each["title"] is not None for each in found.tasks):
        there.add(_OF_TITLES)
    return there
