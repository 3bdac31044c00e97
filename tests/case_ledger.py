"""A read model of the ledger kind for tests: what happened to a case, step by step, and how often each thing did?

Only the row of the case is named beforehand; that of the event's type is asked for while an event is folded. A case
that is closed leaves entries alone. An event of the source `POISON` makes the fold raise.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.read_models.declaration import (
    Evolved,
    Key,
    Ledger,
    Needs,
    ReadModel,
    Row,
    classes_of,
)
from shared.envelope import RecordedEvent
from shared.events.complaint import ComplaintAcknowledged, ComplaintClosed, ComplaintOpened, ComplaintReopened

CONSUMED = ComplaintOpened | ComplaintAcknowledged | ComplaintReopened | ComplaintClosed
POISON = "urn:poison"
WHOLE = "whole"

_METADATA = MetaData()
TABLE = Table(
    "case_counts",
    _METADATA,
    Column("complaint_id", Text),
    Column("what", Text),
    Column("steps", BigInteger, nullable=False),
    PrimaryKeyConstraint("complaint_id", "what"),
)
STEPS = Table(
    "case_steps",
    _METADATA,
    Column("partition", Integer),
    Column("log_offset", BigInteger),
    Column("complaint_id", Text, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("of_its_type", BigInteger, nullable=False),
    PrimaryKeyConstraint("partition", "log_offset"),
)


class CaseBrokenError(Exception):
    """An event that this fold cannot take."""


def keys(event: RecordedEvent[Any]) -> Sequence[Key]:
    return ((event.data.complaint_id, WHOLE),)


def evolve(rows: Mapping[Key, Row | None], event: RecordedEvent[Any]) -> Evolved | Needs:
    complaint_id = event.data.complaint_id
    whole, of_type = (complaint_id, WHOLE), (complaint_id, event.type)
    if of_type not in rows:
        return Needs([of_type])
    steps, of_its_type = (
        1 + (row["steps"] if row is not None else 0) for row in (rows[whole], rows[of_type])
    )
    if event.source == POISON:
        raise CaseBrokenError(f"cannot take {event.id}")
    entry = {
        "partition": event.partition,
        "log_offset": event.offset,
        "complaint_id": complaint_id,
        "step": steps,
        "of_its_type": of_its_type,
    }
    if isinstance(event.data, ComplaintClosed):
        return Evolved({whole: None, of_type: None}, [entry])
    return Evolved({whole: {"steps": steps}, of_type: {"steps": of_its_type}}, [entry])


CASE_LEDGER = ReadModel(
    name="case_ledger",
    version=1,
    kind=Ledger(keys=keys, evolve=evolve, entries=STEPS),
    table=TABLE,
    consumes=classes_of(CONSUMED),
)
