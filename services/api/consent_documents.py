"""The shapes of answers about consents as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime

from pydantic import BaseModel, Field

from shared.events.consent import ConsentPurpose
from shared.events.vocabulary import Channel


class CustomerConsent(BaseModel):
    """The last word of a customer on one purpose, for one channel or for all of them."""

    purpose: ConsentPurpose
    channel: Channel | None = Field(
        description="null for a word on all channels, which is one on each of them"
    )
    granted: bool = Field(description="what was said")
    in_force: bool = Field(
        description="what holds for this channel now: a later word on all channels overrules one on a channel"
    )
    evidence: str | None = Field(description="where the proof is kept")
    time: datetime = Field(description="when it was said, UTC")
    event_id: str = Field(description="the event that said it")


class ConsentPage(BaseModel):
    """One page of consents, by purpose, those for all channels first."""

    items: list[CustomerConsent] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")
