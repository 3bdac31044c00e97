"""A read model of the ordered kind for tests: which events a complaint went through, in the order of the log?

A complaint that is closed leaves no row. An event of the source `POISON` makes the fold raise.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.read_models.declaration import Key, Ordered, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.complaint import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintNoteAdded,
    ComplaintOpened,
    ComplaintReopened,
)

CONSUMED = ComplaintOpened | ComplaintAcknowledged | ComplaintNoteAdded | ComplaintReopened | ComplaintClosed
POISON = "urn:poison"

TABLE = Table(
    "complaint_trails",
    MetaData(),
    Column("complaint_id", Text, primary_key=True),
    Column("steps", BigInteger, nullable=False),
    Column("trail", JSONB, nullable=False),
)


class TrailBrokenError(Exception):
    """An event that this fold cannot take."""


def key(event: RecordedEvent[Any]) -> Key:
    return (event.data.complaint_id,)


def evolve(row: Row | None, event: RecordedEvent[Any]) -> Row | None:
    if event.source == POISON:
        raise TrailBrokenError(f"cannot take {event.id}")
    match event.data:
        case ComplaintClosed():
            return None
        case ComplaintNoteAdded():
            return row
        case _:
            trail = [*(row["trail"] if row else ()), event.id]
            return {"steps": len(trail), "trail": trail}


COMPLAINT_TRAILS = ReadModel(
    name="complaint_trails",
    version=1,
    kind=Ordered(key=key, evolve=evolve),
    table=TABLE,
    consumes=classes_of(CONSUMED),
)
