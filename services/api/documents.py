"""The shapes of answers as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.events.interaction import InteractionCategory
from shared.events.vocabulary import Channel, IdentifierType, PersonalCategory

CustomerId = Annotated[str, Field(pattern="^cus_[a-z2-7]{26}$", examples=["cus_4sgz4wqcsr2v7ncj5hrsd2otlu"])]
PartyId = Annotated[str, Field(pattern="^pty_[a-z2-7]{26}$", examples=["pty_4sgz4wqcsr2v7ncj5hrsd2otlu"])]

WITHHELD = (
    "categories of personal data that the purpose does not open, all of them without one; named whether there is any "
    "or not, so that nobody learns that there is"
)
_PURCHASE: dict[str, Any] = {
    "event_id": "till-3-000817",
    "source": "/store/bkk-01/pos-3",
    "type": "purchase.completed",
    "time": "2026-01-31T08:15:00Z",
    "recorded_time": "2026-01-31T08:15:01.204Z",
    "channel": "store",
    "direction": "inbound",
    "category": "sales",
    "summary": "Bought 2 items for EUR 12.50",
    "staff": "kim",
    "location": "hq/central/bkk-01",
    "party_id": "pty_4sgz4wqcsr2v7ncj5hrsd2otlu",
    "data": {"order_id": "817", "total": {"amount": "12.50", "currency": "EUR"}, "lines": []},
}
# Examples hold no null: FastAPI leaves members that are null out of the document.
_PAGE: dict[str, Any] = {
    "items": [_PURCHASE],
    "next_cursor": "AAZg6c1dD1AAAAAAAAAAAAAAAAFpcoV7vmLfPVQeYmdWGjY4",
    "withheld": ["contact", "health", "free_text"],
}


class LookupRequest(BaseModel):
    """An identifier as a channel system knows it; it is normalised like those of events."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"type": "email", "value": "Anna@example.org"}]}
    )

    type: IdentifierType
    value: str = Field(max_length=512)


class LookupAnswer(BaseModel):
    """Who an identifier stands for; several who share it are `candidates`, and `customer_id` is null."""

    customer_id: CustomerId | None
    party_id: PartyId
    candidates: list[CustomerId] = Field(max_length=20)


class SharedIdentifier(BaseModel):
    """An identifier that too many share for it to link anybody; its value stands in the events that name it."""

    party_id: PartyId
    type: IdentifierType
    others: int = Field(ge=2, le=20, description="identifiers that count against it; 20 may be more")
    first_seen: datetime = Field(description="time of the first event that named it, UTC")


class SharedIdentifierPage(BaseModel):
    """One page of shared identifiers."""

    items: list[SharedIdentifier] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")


class Money(BaseModel):
    """An amount of either sign; more than 4 decimals never occur."""

    amount: str = Field(pattern=r"^-?[0-9]+(\.[0-9]{1,4})?$", examples=["12.50"])
    currency: str = Field(pattern="^[A-Z]{3}$", examples=["EUR"])


class Customer(BaseModel):
    """A customer in numbers: sums over everything on the timeline."""

    customer_id: CustomerId
    parties: list[PartyId] = Field(
        description="the parties this customer is made of, first seen first", max_length=1000
    )
    first_seen: datetime = Field(description="time of the first event, UTC")
    last_seen: datetime = Field(description="time of the last event, UTC")
    events: int = Field(ge=0, description="how many events there are")
    interactions: dict[Channel, int] = Field(
        description="events by channel; a channel without any is left out", examples=[{"store": 3, "web": 1}]
    )
    categories: dict[InteractionCategory, int] = Field(
        description="events by category; those without one are left out", examples=[{"sales": 3}]
    )
    spend: list[Money] = Field(description="purchases minus refunds, an amount a currency")


class TimelineItem(BaseModel):
    """One event on a customer's timeline."""

    event_id: str
    source: str
    type: str = Field(examples=["purchase.completed"])
    time: datetime = Field(description="when it happened, UTC")
    recorded_time: datetime = Field(description="when Rapport accepted it, UTC")
    channel: Channel
    direction: Literal["inbound", "outbound"] | None
    category: InteractionCategory | None
    summary: str = Field(description="one readable sentence")
    staff: str | None
    location: str | None = Field(description="organisation units, widest first")
    party_id: PartyId | None = Field(description="the party of the event's strongest identifier")
    data: dict[str, Any] = Field(description="the event's data as recorded, without `customer`")


class TimelinePage(BaseModel):
    """One page of a timeline."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAGE]})

    items: list[TimelineItem] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")
    withheld: list[PersonalCategory] = Field(description=WITHHELD)


class LotShare(BaseModel):
    """Points that an entry took from a lot, or gave back to it; `lot` is the id of the event that granted it."""

    lot: str
    points: int = Field(ge=0)


class LedgerEntry(BaseModel):
    """One line of an account's statement."""

    event_id: str = Field(
        description="the event that made it; of a hold that ran out, the one that placed it"
    )
    time: datetime = Field(description="when it counts for, UTC")
    kind: Literal[
        "earned",
        "adjusted",
        "redeemed",
        "redemption_rejected",
        "redemption_cancelled",
        "hold_placed",
        "hold_captured",
        "hold_released",
        "clawed_back",
        "expired",
    ]
    points: int = Field(description="what it adds to the balance")
    balance_after: int
    reason: str | None
    order_id: str | None
    partner: str | None
    allocations: list[LotShare] = Field(description="the lots concerned, in the order taken")
    shortfall: int = Field(ge=0, description="points that were to be taken and were not there")
