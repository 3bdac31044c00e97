"""The shapes of jobs as OpenAPI shows them, and of the orders that make them."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct
from pydantic import BaseModel, Field

from services.api.operations.parked_documents import ParkedFor

Text = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]
Kind = Literal["redrive", "switch", "roll_back", "verify"]


class JobBody(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is ordered. `events` is the count that whoever orders a redrive has seen, counted with the same `again`,
    which takes up also what ended the process twice; `staff` is who acts.
    """

    kind: Kind
    view: Text
    stream_key: Text | None = None
    error: Text | None = None
    generation: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    events: Annotated[int, Meta(ge=1, le=2**53 - 1)] | None = None
    again: bool = False
    staff: Text | None = None


EXAMPLE: Final[dict[str, Any]] = {"kind": "redrive", "view": "timeline", "error": "KeyError", "events": 12}


class Job(BaseModel):
    """An order, how far it is, and what came of it."""

    number: int
    kind: Kind
    view: ParkedFor
    stream_key: str | None
    error: str | None
    generation: int | None
    again: bool = Field(description="whether a redrive takes up also what ended the process twice")
    counted: int | None = Field(description="events that a redrive was ordered for")
    ordered_by: str = Field(description="the credential's name, or `anybody`")
    staff: str | None = Field(description="who acted, as they said")
    ordered_at: datetime
    state: Literal["waiting", "running", "done", "refused", "failed"]
    taken_up: int = Field(description="processes that began with it")
    applied: int = Field(description="events that a redrive applied so far")
    failed: int = Field(description="events that failed again")
    folded: int | None = Field(description="events that a verification took up so far; null before it began")
    to_fold: int | None = Field(description="events that it takes up; grows with the log")
    started_at: datetime | None
    progressed_at: datetime | None
    ended_at: datetime | None
    outcome: str | None = Field(description="what came of it, in a sentence")


class JobPage(BaseModel):
    """One page of jobs, newest first."""

    items: list[Job] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")
