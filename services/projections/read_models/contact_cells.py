"""How many contacts were there in each quarter of an hour, of which kind, and how long did they take?

A row for each quarter of an hour (UTC), category, channel, direction and location in which there was one; what an event
does not say is empty. A row belongs to one partition of the log, so that workers never wait for each other over the
quarter that is now; readers add them up. Nobody is named, so an erasure leaves these counts.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.interaction import InteractionRecorded

CONSUMED = InteractionRecorded

TABLE = Table(
    "contact_cells",
    MetaData(),
    Column("begins", DateTime(timezone=True), nullable=False),
    Column("category", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("contacts", BigInteger, nullable=False),
    Column("duration_seconds", BigInteger, nullable=False),
    Column("with_duration", BigInteger, nullable=False),
    PrimaryKeyConstraint(
        "begins", "category", "channel", "direction", "location", "partition", name="contact_cells_of"
    ),
)

CELL_MINUTES: Final = 15


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The one row of a contact."""
    data: InteractionRecorded = event.data
    begins = event.time.replace(
        minute=event.time.minute // CELL_MINUTES * CELL_MINUTES, second=0, microsecond=0
    )
    key = (
        begins, data.category, event.channel, data.direction or "", data.location or "", event.partition,
    )  # fmt: skip
    lasted = data.duration_seconds
    return {key: {"contacts": 1, "duration_seconds": lasted or 0, "with_duration": int(lasted is not None)}}


def combine(one: Row, other: Row) -> Row:
    """The sums of both."""
    return {name: one[name] + other[name] for name in ("contacts", "duration_seconds", "with_duration")}


CONTACT_CELLS = ReadModel(
    name="contact_cells",
    version=1,
    kind=Mergeable(lift=lift, combine=combine),
    table=TABLE,
    consumes=classes_of(CONSUMED),
)
