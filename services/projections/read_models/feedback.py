"""What did customers answer when they were asked how it was?

A row an answer. Comments, which are personal, stay in the journal.
"""

from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from services.projections.subjects import subjects_of
from shared.envelope import RecordedEvent
from shared.events.feedback import FeedbackRecorded, ServqualScores

CONSUMED = FeedbackRecorded

TABLE = Table(
    "feedback",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("score", SmallInteger),
    Column("scores", JSONB),
    Column("expectations", JSONB),
    Column("channel", Text, nullable=False),
    Column("location", Text),
    Column("staff", Text),
    Column("about", Text),
    PrimaryKeyConstraint("party", "time", "partition", "log_offset", name="feedback_of"),
)
Index("feedback_by_time", TABLE.c.time)


def row(event: RecordedEvent[Any]) -> Row:
    """The row of an answer: `score` of one question, or `scores` by dimension."""
    data: FeedbackRecorded = event.data
    return {
        "party": subjects_of(event).subject,
        "time": event.time,
        "partition": event.partition,
        "log_offset": event.offset,
        "event_id": event.id,
        "instrument": data.instrument,
        "score": data.score,
        "scores": _by_dimension(data.scores),
        "expectations": _by_dimension(data.expectations),
        "channel": event.channel,
        "location": data.location,
        "staff": data.staff,
        "about": data.about,
    }


def _by_dimension(scores: ServqualScores | None) -> dict[str, int] | None:
    return None if scores is None else msgspec.to_builtins(scores)


FEEDBACK = ReadModel(
    name="feedback",
    version=1,
    kind=Entries(row=row),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
