"""Which identifiers belong to one person, as far as somebody said so."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from shared.events.data import EventData
from shared.events.vocabulary import Identifier, Reference, ShortText


class IdentityLinked(EventData, frozen=True, kw_only=True):
    """Somebody stated that two identifiers are one customer's; `link_id` is for revoking that."""

    TYPE = "identity.linked"
    # Recorded events have `identifiers` UNSET: like the customer, they stand beside `data`, as `linked`.
    LIFTED = ("customer", "identifiers")

    link_id: Reference
    reason: ShortText
    identifiers: Annotated[tuple[Identifier, ...], Meta(min_length=2, max_length=2)] | UnsetType = UNSET


class IdentityUnlinked(EventData, frozen=True, kw_only=True):
    """A link was revoked: `link_id` is that of `identity.linked`, or the id of an event that linked."""

    TYPE = "identity.unlinked"

    link_id: Reference
    reason: ShortText
