"""Gets the keys that events of a request wait for, all at once, and seals these events."""

import asyncio
from collections.abc import Sequence
from typing import Final

from shared.acceptance import AcceptableEvent, AwaitingKeys
from shared.field_cipher import FieldCipher, KeyMissingError
from shared.personal_data.key_store import KeyStoreUnavailableError
from shared.personal_data.subject_keys import SubjectKeys
from shared.refusal import Refusal

_EVENTS_A_TURN: Final = 200  # then other requests have theirs
_UNUSABLE: Final = "its subject's key is wrapped by a master key that this service does not have"


async def sealed_events(
    taken: Sequence[AcceptableEvent | Refusal | AwaitingKeys], keys: SubjectKeys
) -> list[AcceptableEvent | Refusal]:
    """The events of a request in their order, those that waited for keys sealed, or refused where there are none now.

    Keys are durable before anything is sealed with them. Takes as long as the key store may take. Cancelling is safe.
    """
    subjects = {subject for each in taken if isinstance(each, AwaitingKeys) for subject in each.subjects}
    cipher: FieldCipher | None = None
    reason = ""
    try:
        cipher = await keys.cipher_of(subjects)
    except KeyStoreUnavailableError as error:
        reason = str(error)
    ready: list[AcceptableEvent | Refusal] = []
    for number, each in enumerate(taken, start=1):
        if not isinstance(each, AwaitingKeys):
            ready.append(each)
        elif cipher is None:
            ready.append(each.refused(reason))
        else:
            ready.append(_sealed(each, cipher))
        if number % _EVENTS_A_TURN == 0:
            await asyncio.sleep(0)
    return ready


def _sealed(event: AwaitingKeys, cipher: FieldCipher) -> AcceptableEvent | Refusal:
    try:
        return event.sealed(cipher)
    except KeyMissingError:
        return event.refused(_UNUSABLE)
