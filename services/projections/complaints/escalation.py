"""Which escalations are to be posted for breached clocks (C7)? The scheduler posts them; the fold knows them again."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from services.projections.complaints import clocks
from services.projections.complaints.clocks import Clock
from services.projections.complaints.escalation_id import ESCALATOR, escalation_id
from services.projections.complaints.states import level_above
from services.projections.moments import microseconds_of, text_of
from services.projections.read_models.declaration import Row


def escalations(rows: Iterable[tuple[str, Row]], at: datetime) -> list[dict[str, Any]]:
    """The events to post at a time for cases, by complaint id: at most one each, for its clock that broke first.

    The clock after it has its turn once the case shows that the first was escalated, and then from the level that led
    to. Cases with `next_escalation_at` before `at` are those that answer an event here.
    """
    return [event for complaint_id, row in rows if (event := _escalation(complaint_id, row, at)) is not None]


def _escalation(complaint_id: str, row: Row, at: datetime) -> dict[str, Any] | None:
    to_level = level_above(row["level"])
    broken = _first_broken(row, microseconds_of(at))
    if to_level is None or broken is None:
        return None
    return {
        "specversion": "1.0",
        "id": escalation_id(complaint_id, broken),
        "source": ESCALATOR,
        "type": "complaint.escalated",
        "time": text_of(microseconds_of(at)),
        "channel": row["channel"],
        "causeid": complaint_id,
        "data": {"complaint_id": complaint_id, "to_level": to_level, "reason": "sla_breached"},
    }


def _first_broken(row: Row, time: int) -> Clock | None:
    found = [clocks.read_back(each) for each in row["clocks"]]
    broken = [
        (each.breaks_at, each)
        for each in found
        if each.breaks_at is not None and each.breaks_at < time and not each.escalated
    ]
    return min(broken, key=lambda each: each[0])[1] if broken else None
