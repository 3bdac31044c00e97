"""What did each scoring run find?

A row a run, with the whole of its event's data as JSON. Only what Rapport's own source says counts: a record that a
foreign producer wrote under another one is on the timeline and changes no score.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import json
from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.analytics.first_word import first_word
from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.analytics import ANALYTICS, AnalyticsRunCompleted

CONSUMED = AnalyticsRunCompleted

TABLE = Table(
    "analytics_runs",
    MetaData(),
    Column("run_id", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("as_of", DateTime(timezone=True), nullable=False),
    Column("customers", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
    PrimaryKeyConstraint("run_id", name="analytics_runs_of"),
)
Index("analytics_runs_by_time", TABLE.c.as_of, TABLE.c.run_id)

_encode = json.Encoder().encode


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The row of a run: the event's data is `run`, in which what is null is left out."""
    data: AnalyticsRunCompleted = event.data
    if event.source != ANALYTICS:
        return {}
    row = {
        "time": event.time,
        "event_id": event.id,
        "as_of": data.as_of,
        "customers": data.customers,
        "run": _encode(data).decode(),
    }
    return {(data.run_id,): row}


ANALYTICS_RUNS = ReadModel(
    name="analytics_runs",
    version=1,
    kind=Mergeable(lift=lift, combine=first_word),
    table=TABLE,
    consumes=classes_of(CONSUMED),
)
