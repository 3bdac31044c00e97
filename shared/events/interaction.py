"""Contacts with a customer that are not a purchase: visits, calls, messages, page views."""

from typing import Annotated, Literal

from msgspec import Meta

from shared.events.data import EventData, personal
from shared.events.vocabulary import FlatMap, LongText, ShortText

InteractionKind = Literal["visit", "call", "message", "email", "page_view", "chat", "letter", "form", "other"]
InteractionCategory = Literal["enquiry", "service", "complaint", "marketing", "feedback", "sales", "other"]


class InteractionRecorded(EventData, frozen=True, kw_only=True):
    """A customer and the organisation were in touch, on either's initiative (`direction`).

    `details` holds what the channel knows beside it, such as the seat and the menu of a visit. An outbound one of
    category `marketing` whose `details` name a `campaign` is an outreach of that campaign.
    """

    TYPE = "interaction.recorded"

    kind: InteractionKind
    category: InteractionCategory
    summary: Annotated[ShortText, personal("free_text")] | None = None
    body: Annotated[LongText, personal("free_text")] | None = None
    outcome: ShortText | None = None
    duration_seconds: Annotated[int, Meta(ge=0, le=31_536_000)] | None = None
    details: FlatMap | None = None
