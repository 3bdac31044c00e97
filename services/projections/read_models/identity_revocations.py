"""Which links were revoked? Kept by link id, whether or not the link was seen yet."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Table, Text

from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.identity import IdentityUnlinked

CONSUMED = IdentityUnlinked

TABLE = Table(
    "identity_revocations",
    MetaData(),
    Column("link_id", Text, primary_key=True),
    Column("revoked", DateTime(timezone=True), nullable=False),
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The link that the event revokes, and when."""
    return {(event.data.link_id,): {"revoked": event.time}}


def combine(one: Row, other: Row) -> Row:
    """The first time counts."""
    return other if other["revoked"] < one["revoked"] else one


IDENTITY_REVOCATIONS = ReadModel(
    name="identity_revocations",
    version=1,
    kind=Mergeable(lift=lift, combine=combine, fed_by_others=True, grows=True),
    table=TABLE,
    consumes=classes_of(CONSUMED),
)
