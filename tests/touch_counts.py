"""A read model of the mergeable kind for tests, of several rows an event: what was touched how often, by whom last?

Every event counts for its channel and its type, one that tells where it happened for the place as well, so that some
rows are shared by all partitions, and which rows an event changes depends on it.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events import AnyEvent

TABLE = Table(
    "touch_counts",
    MetaData(),
    Column("what", Text),
    Column("name", Text),
    Column("touches", BigInteger, nullable=False),
    Column("last", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("what", "name"),
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    touched = {"channel": event.channel, "type": event.type, "location": event.data.location}
    row = {"touches": 1, "last": event.time}
    return {(what, name): row for what, name in touched.items() if name is not None}


def combine(one: Row, other: Row) -> Row:
    return {"touches": one["touches"] + other["touches"], "last": max(one["last"], other["last"])}


TOUCH_COUNTS = ReadModel(
    name="touch_counts",
    version=1,
    kind=Mergeable(lift=lift, combine=combine),
    table=TABLE,
    consumes=classes_of(AnyEvent),
)
