"""Which customers did a campaign reach out to, and when?

A row an outreach: an outbound interaction of category `marketing` whose `details` name a `campaign`.
"""

from typing import Any, Final

from sqlalchemy import (
    Column,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from services.projections.party_events import event_columns, event_values
from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.interaction import InteractionRecorded

CONSUMED = InteractionRecorded

TABLE = Table(
    "outreaches",
    MetaData(),
    *event_columns(),
    Column("campaign", Text, nullable=False),
    Column("channel", Text, nullable=False),
    PrimaryKeyConstraint("party", "time", "partition", "log_offset", name="outreaches_of"),
)
Index("outreaches_by_campaign", TABLE.c.campaign, TABLE.c.time)

CAMPAIGN: Final = "campaign"


def row(event: RecordedEvent[Any]) -> Row | None:
    """The row of an outreach, None for other interactions."""
    data: InteractionRecorded = event.data
    if data.direction != "outbound" or data.category != "marketing" or not data.details:
        return None
    campaign = data.details.get(CAMPAIGN)
    if campaign is None or isinstance(campaign, bool) or campaign == "":
        return None
    return {
        **event_values(event),
        "campaign": str(campaign),
        "channel": event.channel,
    }


OUTREACHES = ReadModel(
    name="outreaches",
    version=1,
    kind=Entries(row=row),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
