"""Which points were granted for a complaint? Rows of a view of entries, by the case or event that caused them (C8)."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from services.projections.read_models.declaration import Row
from shared.envelope import RecordedEvent
from shared.events.loyalty import LoyaltyPointsAdjusted

CONSUMED = LoyaltyPointsAdjusted

TABLE = Table(
    "granted_points",
    MetaData(),
    Column("partition", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("cause_id", Text),
    Column("event_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("account_id", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("partition", "log_offset", name="granted_points_place"),
)
Index("granted_points_cause", TABLE.c.cause_id, postgresql_where=TABLE.c.cause_id.is_not(None))


def row(event: RecordedEvent[Any]) -> Row:
    """The row of a correction of points, whatever caused it; `cause_id` is the complaint's id where one did."""
    data: LoyaltyPointsAdjusted = event.data
    return {
        "partition": event.partition,
        "log_offset": event.offset,
        "cause_id": event.record.causeid,
        "event_id": event.id,
        "source": event.source,
        "time": event.time,
        "account_id": data.account_id,
        "points": data.points,
    }
