"""The shapes of answers about single events as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class EntryOfJournal(BaseModel):
    """An event in one line."""

    partition: int
    offset: int
    event_id: str
    source: str
    type: str
    channel: str
    stream_key: str
    time: datetime
    recorded_time: datetime


class Cause(BaseModel):
    """What an event names as its cause: an event, or a case, whose first event it is then.

    `event` is null where it was found neither under the event's own stream keys, nor under its source, the sources that
    most events are from, or those of the newest ones.
    """

    event_id: str
    event: EntryOfJournal | None


class ViewOfEvent(BaseModel):
    """A view and what became of the event there."""

    view: str
    generation: int
    state: str
    outcome: Literal["applied", "waiting", "parked", "discarded"]
    error: str | None


class EventDetail(BaseModel):
    """An event with its place. `event` is null for a record that is none, which `undecodable` and `record` describe."""

    partition: int
    offset: int
    schema_version: int | None
    event: dict[str, Any] | None = Field(
        description="attributes and data; personal values stand as `(personal)`, the customer by type and party id"
    )
    undecodable: str | None
    record: dict[str, Any] | None = Field(description="a preview of bytes that are no event")
    cause: Cause | None
    effects: list[EntryOfJournal] = Field(
        max_length=20, description="events that name this one as their cause"
    )
    next_cursor: str | None = Field(description="asks for further effects with `cursor`; null after the last")
    views: list[ViewOfEvent] = Field(description="the views that take events of this type")


class TailPage(BaseModel):
    """The newest events, of which `new` came after `since`."""

    items: list[EntryOfJournal] = Field(max_length=200)
    position: str = Field(description="where they end: the next `since`, or `until` to stay here")
    new: int
    dropped: int = Field(
        description="offsets since then that are neither here nor left out by the filter: more than fit, or repeats"
    )
    rate: float | None = Field(description="events a second over half a minute; null where that is not known")
