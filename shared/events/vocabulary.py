"""Words that several event families share: channels, identifier types, bounded texts, amounts, points, customers."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Channel = Literal[
    "web", "phone", "store", "app", "email", "sms", "chat", "mail", "fax", "social", "event", "partner"
]

IdentifierType = Literal["member", "account", "email", "phone", "external", "device", "cookie"]

IDENTIFIER_STRENGTH: tuple[IdentifierType, ...] = (
    "member",
    "account",
    "email",
    "phone",
    "external",
    "device",
    "cookie",
)
"""Identifier types, strongest first; the strongest one of an event gives its party and its log key."""

PersonalCategory = Literal["identity", "contact", "preference", "health", "free_text"]

AwareDatetime = Annotated[datetime, Meta(tz=True)]
Reference = Annotated[str, Meta(min_length=1, max_length=128)]
"""An id given by another system: an order, a complaint, a reward, a member of staff."""
ShortText = Annotated[str, Meta(min_length=1, max_length=512)]
Points = Annotated[int, Meta(ge=1, le=1_000_000_000)]
DecimalString = Annotated[str, Meta(pattern=r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$")]


class Identifier(Struct, forbid_unknown_fields=True, frozen=True):
    """One way a channel system knows a customer by, before normalisation."""

    type: IdentifierType
    value: Annotated[str, Meta(max_length=512)]


class Amount(Struct, forbid_unknown_fields=True, frozen=True):
    """Money as a decimal string, so that no float ever touches it."""

    amount: DecimalString
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
