"""Which relationships ended, when, and why?

A row a `relationship.ended`. A customer who bought since has come back, which readers see from their purchases.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from services.projections.subjects import subjects_of
from shared.envelope import RecordedEvent
from shared.events.relationship import RelationshipEnded

CONSUMED = RelationshipEnded

TABLE = Table(
    "endings",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("party", "time", "partition", "log_offset", name="endings_of"),
)


def row(event: RecordedEvent[Any]) -> Row:
    """The row of an ending."""
    data: RelationshipEnded = event.data
    return {
        "party": subjects_of(event).subject,
        "time": event.time,
        "partition": event.partition,
        "log_offset": event.offset,
        "event_id": event.id,
        "reason": data.reason,
    }


ENDINGS = ReadModel(
    name="endings",
    version=1,
    kind=Entries(row=row),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
