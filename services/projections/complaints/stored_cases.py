"""Complaints and their histories as rows of the view, from what PostgreSQL answers."""

from collections.abc import Mapping
from typing import Any

from msgspec import json

from services.projections.read_models.declaration import Row

CASE_COLUMNS = (
    "complaint_id", "state", "level", "severity", "cause", "channel", "location", "party_id", "order_id", "claim",
    "caused_by", "opened_at", "opened_partition", "opened_offset", "policy_version", "policy", "calendar",
    "assignee_person", "assignee_department", "round", "reopened", "clocks", "next_due_at", "resolution",
    "handling_fault", "resolved_at", "on_time", "compensation", "entries", "latest",
)  # fmt: skip
"""What `case_row` takes: all that readers of a case need."""
ENTRY_COLUMNS = (
    "number", "event_id", "source", "type", "time", "state_after", "level_after", "anomaly", "went_back", "staff",
    "facts", "ended_clocks",
)  # fmt: skip
"""What `entry_row` takes."""


def case_row(found: Mapping[str, Any]) -> Row:
    """A case."""
    return {
        **found,
        "claim": None if found["claim"] is None else json.decode(found["claim"]),
        "clocks": json.decode(found["clocks"]),
        "compensation": json.decode(found["compensation"]),
    }


def entry_row(found: Mapping[str, Any]) -> Row:
    """An entry of a case's history."""
    return {
        **found,
        "facts": json.decode(found["facts"]),
        "ended_clocks": json.decode(found["ended_clocks"]),
    }
