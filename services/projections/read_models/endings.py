"""Which relationships ended, when, and why?

A row a `relationship.ended`. A customer who bought since has come back, which readers see from their purchases.
"""

from typing import Any

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.party_events import event_columns, event_values
from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.relationship import RelationshipEnded

CONSUMED = RelationshipEnded

TABLE = Table(
    "endings",
    MetaData(),
    *event_columns(),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("party", "time", "partition", "log_offset", name="endings_of"),
)


def row(event: RecordedEvent[Any]) -> Row:
    """The row of an ending."""
    data: RelationshipEnded = event.data
    return {
        **event_values(event),
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
