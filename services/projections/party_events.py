"""What every row that stands for one event of a party begins with: whose it is, when it was, and which event it is."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Integer, Text

from services.projections.subjects import subjects_of
from shared.envelope import RecordedEvent


def event_columns() -> tuple[Column[Any], ...]:
    """The columns, new ones for each table: `party`, `time`, `partition`, `log_offset`, `event_id`."""
    return (
        Column("party", Text, nullable=False),
        Column("time", DateTime(timezone=True), nullable=False),
        Column("partition", Integer, nullable=False),
        Column("log_offset", BigInteger, nullable=False),
        Column("event_id", Text, nullable=False),
    )


def event_values(event: RecordedEvent[Any]) -> dict[str, Any]:
    """Their values. Pure."""
    return {
        "party": subjects_of(event).subject,
        "time": event.time,
        "partition": event.partition,
        "log_offset": event.offset,
        "event_id": event.id,
    }
