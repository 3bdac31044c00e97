"""When do too many share an identifier for it to link anybody (rule I4)? Pure."""

from typing import Final

from shared.events.vocabulary import IDENTIFIER_STRENGTH

_STRENGTH: Final[dict[str, int]] = {name: place for place, name in enumerate(IDENTIFIER_STRENGTH)}
_ACCOUNTS: Final = frozenset({"member", "account"})
_SHARED_AT: Final[dict[str, int]] = {"email": 2, "phone": 2, "device": 4, "cookie": 4}

SHARABLE: Final = tuple(_SHARED_AT)
"""The types of identifiers that may be shared at all."""

MOST_NEEDED: Final = max(_SHARED_AT.values())
"""So many different others decide for every type of identifier."""


def shared_at(own: str, other: str) -> int:
    """How many different others, this one among them, make an identifier of type `own` a shared one.

    0 where a link to one of type `other` does not count: to anything but a member or account for an e-mail address or
    a phone, to nothing stronger for a device or a cookie, and of any other type's.
    """
    least = _SHARED_AT.get(own, 0)
    if own in ("email", "phone"):
        return least if other in _ACCOUNTS else 0
    return least if _STRENGTH[other] < _STRENGTH[own] else 0
