"""Segments as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from shared.events.vocabulary import PersonalCategory

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
