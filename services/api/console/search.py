"""What somebody may have meant by what they typed: identifiers to look up, the likeliest first."""

import re
from typing import Final, NamedTuple

from shared.events.vocabulary import IdentifierType

MOST_CHARACTERS: Final = 200
_PHONE: Final = re.compile(r"[+(]?[0-9][0-9 ()/.-]{3,30}")
_CUSTOMER: Final = re.compile(r"(?:cus|pty)_[a-z2-7]{26}")


_ENDING: Final = re.compile(r"[0-9A-Za-z -]{4,40}")


class Guess(NamedTuple):
    """An identifier that a text may be."""

    type: IdentifierType
    value: str


def customer_named(text: str) -> str | None:
    """The customer or party id that a text is, None where it is none."""
    stripped = text.strip()
    return stripped if _CUSTOMER.fullmatch(stripped) else None


def is_ending(text: str) -> bool:
    """Whether a text may be the end of a card's number."""
    return _ENDING.fullmatch(text.strip()) is not None


def guesses(text: str) -> list[Guess]:
    """What a text may be, in the order in which matches count; none for an empty text.

    With an `@` it is an e-mail address. Digits as people write a phone number may as well be a member number, an
    account or another system's id. Spaces, dashes and case are the look-up's to settle, as they are for events.
    """
    value = text.strip()
    if not value:
        return []
    if "@" in value:
        return [Guess("email", value), Guess("external", value)]
    numbers = [Guess("member", value), Guess("account", value)]
    if _PHONE.fullmatch(value):
        return [*numbers, Guess("phone", value), Guess("external", value)]
    return [*numbers, Guess("external", value)]
