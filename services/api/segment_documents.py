"""Segments as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from services.api.access.purposes import Disclosed, Purpose
from services.api.documents import CustomerId, Money
from shared.events.vocabulary import PersonalCategory
from shared.segment_rules.fields import Lifecycle, Tier

_RULE = {
    "all": [{"score": "tier", "in": ["VIP", "A"]}, {"score": "silent_from", "before": {"ago": {"days": 0}}}]
}


class Segment(BaseModel):
    """A segment in the version that is in force."""

    segment_id: str
    version: int = Field(ge=1)
    defined_at: datetime
    rule: dict[str, Any] = Field(description="as it was defined", examples=[_RULE])
    personal: list[PersonalCategory] = Field(
        description="the categories of personal data that the rule looks at; listing its customers takes a purpose "
        "that opens them"
    )


class SegmentPage(BaseModel):
    """One page of segments, in the order of their ids."""

    items: list[Segment] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")


class SegmentCount(BaseModel):
    """How many are in a segment, counted before the first page and told on each."""

    customers: int = Field(ge=0)
    left_out: int = Field(ge=0, description="those who would be but have not consented to being told of")
    position: str | None = Field(
        description="what was counted included events up to here; of very many partitions only the first page tells it",
        examples=["0:17,5:4"],
    )


class SegmentCustomer(BaseModel):
    """A customer of a segment, and where they stand."""

    customer_id: CustomerId
    tier: Tier | None
    lifecycle: Lifecycle
    p_alive: float | None
    clv: Money | None


class SegmentCustomerPage(BaseModel):
    """One page of a segment's customers. Of whom the count is, is told by `version`, `as_of` and `count.position`."""

    items: list[SegmentCustomer] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")
    segment_id: str
    version: int = Field(description="of the definition that was evaluated")
    as_of: datetime | None = Field(description="null before the first scoring run")
    run_id: str | None
    count: SegmentCount | None
    reason: str | None = Field(description="why there can be nobody, in words")
    purpose: Purpose
    withheld: list[Disclosed]
