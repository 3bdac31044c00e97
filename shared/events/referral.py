"""Customers who bring others."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from shared.events.data import EventData
from shared.events.vocabulary import Identifier


class ReferralMade(EventData, frozen=True, kw_only=True):
    """A customer brought somebody else, whom `referred` identifies as `customer` does the customer.

    It links nobody: neither the two with each other, nor the identifiers of who was referred.
    """

    TYPE = "referral.made"
    # Recorded events have `referred` UNSET: like the customer, it stands beside `data`, as `linked`.
    LIFTED = ("customer", "referred")

    referred: Annotated[tuple[Identifier, ...], Meta(min_length=1, max_length=20)] | UnsetType = UNSET
