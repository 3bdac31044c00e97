"""Checks every complaint of the demo against what its story comes to, worked out without the view's code."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import asyncpg
import httpx

from services.ops.demo.account_story import text_of
from services.ops.demo.complaint_events import COMPENSATION_POINTS, NOW, Complaint, Story
from services.ops.demo.finding import Finding
from services.ops.demo.loading import LoadingError

_LOOK_SECONDS: Final = 0.1
_PATIENCE_SECONDS: Final = 30.0

_ENDED: Final = """
select complaint_id, state, level, reopened, on_time, handling_fault,
       coalesce((select sum((each ->> 'points')::int) from jsonb_array_elements(compensation) each), 0)::int as points,
       coalesce((select sum(points) from live.granted_points where cause_id = complaint_id), 0)::int as granted
from live.complaints where complaint_id = any($1::text[]) and state is not null
"""
_ESCALATED: Final = """
select event_id, source, level_after from live.complaint_entries
where complaint_id = $1 and type = 'complaint.escalated' and anomaly is null
"""


class Ended(NamedTuple):
    """What became of a complaint; `granted` are the points that its customer's account got for it."""

    state: str
    level: str
    reopened: int
    on_time: bool | None
    handling_fault: str | None
    points: int
    granted: int


ENDS: Final[Mapping[Story, Ended]] = {
    "answered": Ended("closed", "store", 0, True, None, 0, 0),
    "compensated": Ended("closed", "store", 0, True, None, COMPENSATION_POINTS, COMPENSATION_POINTS),
    "lied_to": Ended("closed", "store", 1, True, "lying", 0, 0),
    "forgotten": Ended("acknowledged", "province", 0, None, None, 0, 0),
}
"""How each story ends, by hand; the scheduler's escalation included."""


async def ended(database: asyncpg.Connection, complaints: Sequence[Complaint]) -> dict[str, Ended]:
    """What the view shows of complaints, of those that it has."""
    rows = await database.fetch(_ENDED, [each.complaint_id for each in complaints])
    return {row["complaint_id"]: Ended(*tuple(row)[1:]) for row in rows}


async def until_escalated(database: asyncpg.Connection, forgotten: Complaint) -> None:
    """Returns when the scheduler has found the forgotten complaint. Raises `LoadingError` after 30 s."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await database.fetch(_ESCALATED, forgotten.complaint_id):  # noqa: ASYNC110 - in PostgreSQL
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise LoadingError(
            f"{forgotten.complaint_id} was not escalated within {_PATIENCE_SECONDS:.0f} s; serve.log in the data "
            "directory may say why"
        ) from None


async def check_complaints(
    client: httpx.AsyncClient, database: asyncpg.Connection, complaints: Sequence[Complaint]
) -> list[Finding]:
    """Compares all complaints with the view, the forgotten one's escalation, and the API's answers of each story."""
    found = await ended(database, complaints)
    right = sum(found.get(each.complaint_id) == ENDS[each.story] for each in complaints)
    forgotten = complaints[-1]
    escalations = [tuple(row) for row in await database.fetch(_ESCALATED, forgotten.complaint_id)]
    wanted = (f"sla:{forgotten.complaint_id}:resolution:1", "/rapport/escalator", "province")
    shown = {each.story: each for each in complaints}
    answers = {story: await _shown(client, each) for story, each in shown.items()}
    expected = {story: _expected(story) for story in shown}
    return [
        Finding("complaints that ended as told", len(complaints), right),
        Finding(
            "escalations of the breached one", 1, escalations.count(wanted) if len(escalations) == 1 else 0
        ),
        Finding(
            "stories the API tells the same",
            len(expected),
            sum(answers[story] == expected[story] for story in expected),
        ),
    ]


def by_story(complaints: Sequence[Complaint]) -> Counter[Story]:
    """How many complaints went which way."""
    return Counter(each.story for each in complaints)


class _Told(NamedTuple):
    """What the API says of a complaint: its fields, its clocks in order, and points granted for it."""

    state: str
    level: str
    reopened: int
    clocks: tuple[tuple[str, int, str], ...]
    compensation: tuple[tuple[str, int], ...]
    granted: tuple[int, ...]


def _expected(story: Story) -> _Told:
    fields = ENDS[story]
    first, final = ("first_response", 1, "met"), ("final_response", 1, "met")
    clocks: tuple[tuple[str, int, str], ...] = (first, ("resolution", 1, "met"), final)
    if story == "lied_to":
        clocks = (first, ("resolution", 1, "met"), ("resolution", 2, "met"), final)
    elif story == "forgotten":
        clocks = (first, ("resolution", 1, "breached"), ("final_response", 1, "running"))
    given = (("points", COMPENSATION_POINTS),) if fields.points else ()
    granted = (COMPENSATION_POINTS,) if fields.granted else ()
    return _Told(fields.state, fields.level, fields.reopened, clocks, given, granted)


async def _shown(client: httpx.AsyncClient, complaint: Complaint) -> _Told:
    answer = await client.get(f"/v1/complaints/{complaint.complaint_id}", params={"as_of": text_of(NOW)})
    shown: dict[str, Any] = answer.raise_for_status().json()
    return _Told(
        shown["state"],
        shown["level"],
        shown["reopened"],
        tuple((each["name"], each["round"], each["status"]) for each in shown["clocks"]),
        tuple((each["kind"], each["points"]) for each in shown["compensation"]),
        tuple(each["points"] for each in shown["granted_points"]),
    )
