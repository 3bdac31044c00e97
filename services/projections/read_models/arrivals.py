"""Who came to a place, or called there, of late?

A row a visit or call that a customer began and that names a location. Which of them a person is about to serve is for
readers to say, by the unit of the organisation and the time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

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
    "arrivals",
    MetaData(),
    *event_columns(),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("staff", Text),
    PrimaryKeyConstraint("time", "partition", "log_offset", name="arrivals_by_time"),
)
Index("arrivals_at", TABLE.c.location, TABLE.c.time, postgresql_ops={"location": "text_pattern_ops"})
Index("arrivals_of", TABLE.c.party)

_KINDS: Final = frozenset({"visit", "call"})


def row(event: RecordedEvent[Any]) -> Row | None:
    """The row of an arrival, None for another contact."""
    data: InteractionRecorded = event.data
    if data.kind not in _KINDS or data.direction == "outbound" or data.location is None:
        return None
    return {
        **event_values(event),
        "kind": data.kind,
        "channel": event.channel,
        "location": data.location,
        "staff": data.staff,
    }


class Arrival(NamedTuple):
    """One visit or call."""

    party: str
    time: datetime
    event_id: str
    kind: str
    channel: str
    location: str
    staff: str | None


_FOUND: Final = """
select party, time, event_id, kind, channel, location, staff from live.arrivals
where (location = $1 or location like $2) and time >= $3 and time <= $4
order by time desc, partition desc, log_offset desc limit $5
"""


async def arrivals_at(
    connection: Any, location: str, since: datetime, until: datetime, most: int
) -> Sequence[Arrival]:
    """The latest arrivals at a unit or below it in a time, newest first, `most` at most. Raises asyncpg's errors."""
    below = location.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "/%"
    return [Arrival(*found) for found in await connection.fetch(_FOUND, location, below, since, until, most)]


ARRIVALS = ReadModel(
    name="arrivals",
    version=1,
    kind=Entries(row=row),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
