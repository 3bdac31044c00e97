"""Who brought whom?

A row a `referral.made`: the party that referred, and the party that was referred, by its strongest identifier.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from services.projections.subjects import subjects_of
from shared.envelope import RecordedEvent
from shared.events.referral import ReferralMade

CONSUMED = ReferralMade

TABLE = Table(
    "referrals",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("referred", Text),
    PrimaryKeyConstraint("party", "time", "partition", "log_offset", name="referrals_of"),
)


def row(event: RecordedEvent[Any]) -> Row:
    """The row of a referral; `referred` is null where a record of a foreign producer names nobody."""
    referred = event.record.linked
    return {
        "party": subjects_of(event).subject,
        "time": event.time,
        "partition": event.partition,
        "log_offset": event.offset,
        "event_id": event.id,
        "referred": referred[0].party_id if referred else None,
    }


REFERRALS = ReadModel(
    name="referrals",
    version=1,
    kind=Entries(row=row),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
