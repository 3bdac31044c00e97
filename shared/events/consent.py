"""What a customer allows."""

from typing import Literal

from shared.events.data import EventData
from shared.events.vocabulary import Channel, ShortText

ConsentPurpose = Literal["service", "marketing", "analytics", "profiling", "partner_sharing"]


class ConsentChanged(EventData, frozen=True, kw_only=True):
    """A customer gave or withdrew consent to one purpose, for one channel or, without `channel`, for all of
    them.

    `evidence` says where the proof is kept: a form, a recording, a screen's version.
    """

    TYPE = "consent.changed"

    purpose: ConsentPurpose
    granted: bool
    channel: Channel | None = None
    evidence: ShortText | None = None
