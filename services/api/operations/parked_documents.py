"""The shapes of answers about parked events as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

ParkedFor = Annotated[
    str,
    Field(description="a view, or `undecodable` for records that no view could read", examples=["timeline"]),
]


class ParkedGroup(BaseModel):
    """The parked events of one view with one error."""

    view: ParkedFor
    error: str = Field(examples=["BehindParkedError"])
    keys: int
    events: int
    oldest: datetime = Field(description="when the first of them was parked")


class ParkedItem(BaseModel):
    """A parked event, without what it says."""

    view: ParkedFor
    partition: int
    offset: int
    state: Literal["parked", "discarded"]
    stream_key: str | None
    event_id: str | None
    source: str | None
    error: str
    detail: str
    attempts: int = Field(description="how often the view was given it")
    attempts_unanswered: int = Field(description="the last redrives of it that were begun and never ended")
    parked_at: datetime
    discarded_at: datetime | None
    discarded_by: str | None
    reason: str | None


class ParkedPage(BaseModel):
    """The groups of all that is wanted, at most 200, and one page of it in the order of view, partition and offset."""

    groups: list[ParkedGroup] = Field(max_length=200)
    items: list[ParkedItem] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")


class ParkedCount(BaseModel):
    """What a redrive would take up now."""

    events: int
    keys: int
    left_out: int = Field(
        description="events chosen too that are left out, unless `again`: their redrive ended the process twice, or "
        "they wait behind such a one"
    )
