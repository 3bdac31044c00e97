"""Who came to us again about the same thing?

A row a contact that a customer made: an interaction that was not outbound and is no page view. Chains of contacts are
put together when they are read, across all parties of a customer.
"""

from typing import Any

from sqlalchemy import (
    Column,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from services.projections.party_events import event_columns, event_values
from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.interaction import InteractionRecorded

CONSUMED = InteractionRecorded

TABLE = Table(
    "contact_chain",
    MetaData(),
    *event_columns(),
    Column("category", Text, nullable=False),
    Column("conversation_id", Text),
    Column("channel", Text, nullable=False),
    Column("location", Text),
    PrimaryKeyConstraint("party", "time", "partition", "log_offset", name="contact_chain_of"),
)
Index("contact_chain_by_time", TABLE.c.time, postgresql_using="brin")


def row(event: RecordedEvent[Any]) -> Row | None:
    """The row of a contact that the customer made, None for others."""
    data: InteractionRecorded = event.data
    if data.direction == "outbound" or data.kind == "page_view":
        return None
    return {
        **event_values(event),
        "category": data.category,
        "conversation_id": data.conversation_id,
        "channel": event.channel,
        "location": data.location,
    }


CONTACT_CHAIN = ReadModel(
    name="contact_chain",
    version=1,
    kind=Entries(row=row),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
