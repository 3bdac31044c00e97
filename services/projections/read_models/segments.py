"""How are segments defined, and how were they before?

A row a version of a segment, by the first word on it: a version never changes, a new one is defined instead. The
highest version is the one in force. `rule` is JSON.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import json
from sqlalchemy import Column, DateTime, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.analytics.first_word import first_word
from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.segment import SegmentDefined

CONSUMED = SegmentDefined

TABLE = Table(
    "segments",
    MetaData(),
    Column("segment_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("rule", Text, nullable=False),
    PrimaryKeyConstraint("segment_id", "version", name="segments_of"),
)

_encode = json.Encoder().encode


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The row of a definition."""
    data: SegmentDefined = event.data
    row = {"time": event.time, "event_id": event.id, "rule": _encode(data.rule).decode()}
    return {(data.segment_id, data.version): row}


SEGMENTS = ReadModel(
    name="segments",
    version=1,
    kind=Mergeable(lift=lift, combine=first_word),
    table=TABLE,
    consumes=classes_of(CONSUMED),
)
