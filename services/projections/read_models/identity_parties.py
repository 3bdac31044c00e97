"""Which identifiers were ever named, of which type, and when first and last?"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Table, Text

from services.projections.identity.named import named_by
from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row
from shared.envelope import RecordedEvent
from shared.events import ABOUT_CUSTOMERS

TABLE = Table(
    "identity_parties",
    MetaData(),
    Column("party_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("first_seen", DateTime(timezone=True), nullable=False),
    Column("last_seen", DateTime(timezone=True), nullable=False),
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """A row for each identifier that the event names."""
    time = event.time
    return {
        (party_id,): {"type": of, "first_seen": time, "last_seen": time} for party_id, of in named_by(event)
    }


def combine(one: Row, other: Row) -> Row:
    """What two rows come to together; `one` itself where the other adds nothing to it."""
    both = {
        "type": min(one["type"], other["type"]),
        "first_seen": min(one["first_seen"], other["first_seen"]),
        "last_seen": max(one["last_seen"], other["last_seen"]),
    }
    return one if both == one else both


IDENTITY_PARTIES = ReadModel(
    name="identity_parties",
    version=1,
    kind=Mergeable(lift=lift, combine=combine, fed_by_others=True),
    table=TABLE,
    consumes=ABOUT_CUSTOMERS,
)
