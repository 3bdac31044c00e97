"""When was a customer last here, where, and what do we know of it: the seat, the menu?

One row a party: the latest interaction of the kind `visit` that is not outbound, which would be one of ours to them.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from typing import Any, Final, TypedDict

from msgspec import json
from sqlalchemy import Column, DateTime, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.read_models.declaration import (
    ErasedRows,
    Key,
    Mergeable,
    ReadModel,
    Row,
    classes_of,
)
from services.projections.recognition.last_word import last_word
from services.projections.subjects import subjects_of
from shared.envelope import RecordedEvent
from shared.events.interaction import InteractionRecorded

CONSUMED = InteractionRecorded

TABLE = Table(
    "visits",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("location", Text),
    Column("details", JSONB),
    PrimaryKeyConstraint("party", name="visits_of"),
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The row of a visit; nothing for other interactions."""
    data: InteractionRecorded = event.data
    if data.kind != "visit" or data.direction == "outbound":
        return {}
    visit = {
        "time": event.time,
        "event_id": event.id,
        "location": data.location,
        "details": data.details,
    }
    return {(subjects_of(event).subject,): visit}


class Visit(TypedDict):
    """The last visit of a customer; `details` is a flat map of what the channel noted, or null."""

    time: datetime
    event_id: str
    location: str | None
    details: dict[str, Any] | None


FOUND: Final = """
select coalesce(json_agg(json_build_object(
    'time', time, 'event_id', event_id, 'location', location, 'details', details
)), '[]') from live.visits where party = any($1::text[])
"""
"""The rows of some parties, as the JSON that `last_visit` takes. One row a party."""

_decode = json.Decoder(list[Visit]).decode


def last_visit(found: str) -> Visit | None:
    """The last visit of any of the parties, None for no visit."""
    rows = _decode(found)
    return reduce(last_word, rows) if rows else None


VISITS = ReadModel(
    name="visits",
    version=1,
    kind=Mergeable(lift=lift, combine=last_word),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
