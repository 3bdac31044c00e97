"""What did customers answer when they were asked how it was?

A row an answer. Comments, which are personal, stay in the journal.
"""

from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.party_events import event_columns, event_values
from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.feedback import FeedbackRecorded, ServqualScores

CONSUMED = FeedbackRecorded

TABLE = Table(
    "feedback",
    MetaData(),
    *event_columns(),
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
        **event_values(event),
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
