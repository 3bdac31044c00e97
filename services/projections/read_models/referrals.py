"""Who brought whom?

A row a `referral.made`: the party that referred, and the party that was referred, by its strongest identifier.
"""

from typing import Any

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.party_events import event_columns, event_values
from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.referral import ReferralMade

CONSUMED = ReferralMade

TABLE = Table(
    "referrals",
    MetaData(),
    *event_columns(),
    Column("referred", Text),
    PrimaryKeyConstraint("party", "time", "partition", "log_offset", name="referrals_of"),
)


def row(event: RecordedEvent[Any]) -> Row:
    """The row of a referral; `referred` is null where a record of a foreign producer names nobody."""
    referred = event.record.linked
    return {
        **event_values(event),
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
