"""Customers who complain: events of complaints and tasks as posted, and an API with a clock to ask about them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg

from services.projections.complaints.policy_file import parse
from services.projections.registered_policies import register_policies
from shared.credentials.access import Access
from tests.api_reader import Reader, migrated_reader
from tests.projecting import purchase
from tests.redeeming import Hand
from tests.strategies import JsonObject

MONDAY = "2024-01-08"
POLICIES = parse(
    """
    [calendar.utc]
    timezone = "UTC"
    hours = { mon = "09:00-17:00", tue = "09:00-17:00", wed = "09:00-17:00", thu = "09:00-17:00", fri = "09:00-17:00" }

    [policy.default]
    calendar = "utc"
    fallback = "normal"
    [policy.default.normal]
    first_response = "4h"
    resolution = "8h"
    final_response = "56d"
    [policy.default.critical]
    first_response = "1h"
    resolution = "4h"
    """,
    "policies.toml",
)


def at(text: str) -> datetime:
    """A time in UTC, from `2024-01-08T09:30`, or `09:30` on that Monday."""
    return datetime.fromisoformat(text if "T" in text else f"{MONDAY}T{text}").replace(tzinfo=UTC)


def happened(kind: str, time: str, case: str = "C-1", /, **data: Any) -> JsonObject:
    """An event of a complaint; `kind` is its type without `complaint.`."""
    changed: JsonObject = {
        name: data.pop(name) for name in ("source", "causeid", "channel", "id") if name in data
    }
    moment = at(time).isoformat().replace("+00:00", "Z")
    return {
        **purchase(1),
        "id": f"{case}-{kind}-{moment}",
        "type": f"complaint.{kind}",
        "time": moment,
        "data": {"complaint_id": case, **data},
        **changed,
    }


def opened(time: str, case: str = "C-1", member: str = "M1", **data: Any) -> JsonObject:
    return happened(
        "opened",
        time,
        case,
        **{
            "customer": [{"type": "member", "value": member}],
            "summary": "cold soup",
            "cause": "quality_below_expectation",
            "severity": "normal",
            **data,
        },
    )


def acknowledged(time: str, case: str = "C-1") -> JsonObject:
    return happened("acknowledged", time, case, staff="s-1")


def assigned(time: str, case: str = "C-1", level: str = "store", **assignee: str) -> JsonObject:
    return happened("assigned", time, case, assignee=assignee, level=level)


def resolved(time: str, case: str = "C-1", **data: Any) -> JsonObject:
    return happened("resolved", time, case, resolution="apology", staff="s-1", **data)


def task(kind: str, time: str, task_id: str = "T-1", **data: Any) -> JsonObject:
    """An event of a task; `kind` is its type without `task.`."""
    made = happened(kind, time, task_id, **data)
    rest = {name: value for name, value in made["data"].items() if name != "complaint_id"}
    about = {"complaint_id": data["complaint_id"]} if "complaint_id" in data else {}
    return {**made, "type": f"task.{kind}", "data": {"task_id": task_id, **rest, **about}}


def created(due: str, task_id: str = "T-1", **data: Any) -> JsonObject:
    due_at = at(due).isoformat()
    return task(
        "created",
        "08:00",
        task_id,
        **{"title": "call back", "due_at": due_at, "assignee": {"person": "kim"}, **data},
    )


@asynccontextmanager
async def complaint_desk(
    database_url: str, now: str = "12:00", *, access: Access | None = None
) -> AsyncIterator[tuple[Reader, Hand]]:
    """A reader whose views judge complaints by `POLICIES`, and the clock of its API."""
    hand = Hand(at(now))
    async with migrated_reader(database_url, clock=hand, access=access) as reader:
        connection = await asyncpg.connect(database_url)
        await register_policies(connection, POLICIES)
        await connection.close()
        yield reader, hand
