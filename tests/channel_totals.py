"""A read model of the mergeable kind for tests, whose few rows every partition writes: how busy is each channel?"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events import AnyEvent

TABLE = Table(
    "channel_totals",
    MetaData(),
    Column("channel", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("types", JSONB, nullable=False),
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    return {(event.channel,): {"events": 1, "types": {event.type: 1}}}


def combine(one: Row, other: Row) -> Row:
    types = {
        name: one["types"].get(name, 0) + other["types"].get(name, 0)
        for name in {*one["types"], *other["types"]}
    }
    return {"events": one["events"] + other["events"], "types": types}


CHANNEL_TOTALS = ReadModel(
    name="channel_totals",
    version=1,
    kind=Mergeable(lift=lift, combine=combine),
    table=TABLE,
    consumes=classes_of(AnyEvent),
)
