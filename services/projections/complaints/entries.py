"""The history of a complaint: an entry an event, with what came of it. No text that a person worded is in it."""

from collections.abc import Sequence
from typing import Any

from services.projections.complaints.clocks import Clock, stored
from services.projections.complaints.compensation import given
from services.projections.early_events import Occurrence
from services.projections.moments import datetime_of
from services.projections.read_models.declaration import Row
from shared.events.complaint import (
    ComplaintAssigned,
    ComplaintCompensated,
    ComplaintEscalated,
    ComplaintResolved,
)


def entry(
    number: int,
    occurrence: Occurrence,
    *,
    state: str | None,
    level: str | None,
    anomaly: str | None,
    went_back: bool,
    ended: Sequence[Clock] = (),
) -> Row:
    """The entry of an event: the state and level after it, why it changed nothing, and the clocks it ended."""
    return {
        "complaint_id": occurrence.data.complaint_id,
        "number": number,
        "partition": occurrence.partition,
        "log_offset": occurrence.offset,
        "event_id": occurrence.event_id,
        "source": occurrence.source,
        "type": occurrence.data.TYPE,
        "time": datetime_of(occurrence.time),
        "state_after": state,
        "level_after": level,
        "anomaly": anomaly,
        "went_back": went_back,
        "staff": occurrence.data.staff,
        "cause_id": occurrence.cause_id,
        "facts": _facts(occurrence.data),
        "ended_clocks": [stored(each) for each in ended],
    }


def _facts(data: Any) -> dict[str, Any]:
    """What an event says, as far as it is chosen from fixed lists, or an id, or a number."""
    match data:
        case ComplaintAssigned():
            assignee = {"person": data.assignee.person, "department": data.assignee.department}
            return {"assignee": assignee, "level": data.level}
        case ComplaintEscalated():
            return {"to_level": data.to_level, "reason": data.reason}
        case ComplaintResolved():
            return {"resolution": data.resolution, "handling_fault": data.handling_fault}
        case ComplaintCompensated():
            return dict(given(data))
        case _:
            return {}
