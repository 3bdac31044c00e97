"""The shapes of answers about arrivals as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.api.documents import CustomerId, PartyId
from shared.events.vocabulary import Channel


class ArrivedCustomer(BaseModel):
    """A customer who came or called, with the latest time they did."""

    customer_id: CustomerId
    party_id: PartyId
    kind: Literal["visit", "call"]
    channel: Channel
    time: datetime = Field(description="when, UTC")
    location: str = Field(examples=["hq/bangkok/bkk-01/restaurant"])
    staff: str | None = Field(description="who took note of it")
    event_id: str


class Arrivals(BaseModel):
    """Who came or called at a unit or below it, newest first, each customer once."""

    location: str
    since: datetime
    as_of: datetime
    items: list[ArrivedCustomer] = Field(max_length=50)
    more: bool = Field(
        description="whether there were more events than were looked at; ask for fewer minutes"
    )
