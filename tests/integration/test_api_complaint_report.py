"""The report over HTTP: what PostgreSQL adds up is what the report's own arithmetic comes to, for any complaints."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, get_args

import asyncpg
import pytest

from services.projections.complaints import report_queries
from services.projections.complaints.report import Grouping, report
from services.projections.complaints.report_queries import complaint_report
from tests.api_reader import Reader
from tests.complaining import acknowledged, at, complaint_desk, happened, opened, resolved
from tests.projecting import purchase
from tests.strategies import JsonObject

REPORT = "/v1/complaints/report"
JANUARY: dict[str, Any] = {"from_": "2024-01-01T00:00:00Z", "to": "2024-02-01T00:00:00Z"}
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with complaint_desk(database_url) as (made, _):
        yield made


def history(number: int, chance: random.Random) -> list[JsonObject]:
    """Some complaint of a month, in some state."""
    case, start = f"C-{number}", at("09:00") + timedelta(minutes=chance.randrange(-10_000, 10_000))

    def time(minutes: int) -> str:
        return (start + timedelta(minutes=minutes)).isoformat()[:19]

    location = chance.choice(["hq/a", "hq/b", "hq/Z", "hq/ä", None])
    cause = chance.choice(["quality_below_expectation", "other"])
    begun = opened(time(0), case, cause=cause, **({"location": location} if location else {}))
    steps = [{**begun, "channel": chance.choice(["web", "phone"])}]
    if chance.random() < 0.2:
        steps.append(happened("escalated", time(1), case, to_level="province", reason="customer_request"))
    fault = chance.choice([{}, {"handling_fault": "lying"}, {"handling_fault": "arrogance"}])
    if chance.random() < 0.7:
        steps.append(resolved(time(chance.randrange(3_000)), case, **fault))
        if chance.random() < 0.4:
            steps.append(happened("reopened", time(3_100), case))
            if chance.random() < 0.5:
                steps.append(resolved(time(chance.randrange(3_100, 6_000)), case))
    return steps


async def test_the_report_is_what_its_arithmetic_comes_to(reader: Reader) -> None:
    chance = random.Random(8)
    steps = [step for number in range(120) for step in history(number, chance)]
    await reader.given(*steps, acknowledged("09:00", "never opened"))
    connection = await asyncpg.connect(reader.database_url)
    rows = [dict(row) for row in await connection.fetch("select * from live.complaints")]
    await connection.close()
    assert sum(row["opened_at"] is not None for row in rows) == 120
    for since, until in (
        ("2024-01-01", "2024-02-01"),
        ("2024-01-05", "2024-01-11"),
        ("2025-01-01", "2025-01-01"),
    ):
        for by in GROUPINGS:
            query: dict[str, Any] = {"from_": f"{since}T00:00:00Z", "to": f"{until}T00:00:00Z", "by": by}
            answer = await reader.get(REPORT, **query)
            assert answer.json() == {
                "from": f"{since}T00:00:00Z",
                "to": f"{until}T00:00:00Z",
                "by": by,
                "items": report(rows, at(f"{since}T00:00"), at(f"{until}T00:00"), by),
                "left_out": 0,
            }


async def test_the_sums_agree_for_any_working_times(reader: Reader) -> None:
    await reader.given(opened("09:00"), purchase(1))
    connection = await asyncpg.connect(reader.database_url)
    table = await connection.fetchval(
        "select table_schema || '.' || table_name from information_schema.view_table_usage "
        "where view_schema = 'live' and view_name = 'complaints'"
    )
    chance = random.Random(5)
    for number in range(300):
        resolved_at = at("12:00") if chance.random() < 0.6 else None
        seconds = chance.randrange(10 ** chance.randrange(1, 9))
        on_time, location = chance.choice([None, True, False]), chance.choice("abcdefgh")
        await connection.execute(
            f"insert into {table} (complaint_id, part, opened_at, resolved_at, working_seconds, reopened, on_time, "  # noqa: S608 - a name from the catalogue
            "location) values ($1, 0, $2, $3, $4, $5, $6, $7)",
            *(f"X-{number}", at("10:00"), resolved_at, seconds, chance.randrange(3), on_time, location),
        )
    rows = [dict(row) for row in await connection.fetch("select * from live.complaints")]
    since, until = at("09:30"), at("11:00")
    found = await complaint_report(connection, since, until, "location")
    assert found.items == report(rows, since, until, "location")
    await connection.close()


async def test_more_groups_than_are_shown_are_counted(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_queries, "MOST_GROUPS", 2)
    await reader.given(*(opened("09:00", f"C-{number}", location=f"hq/{number}") for number in range(5)))
    found = (await reader.get(REPORT, **JANUARY, by="location")).json()
    assert ([each["location"] for each in found["items"]], found["left_out"]) == (["hq/0", "hq/1"], 3)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({}, "from"),
        ({"from_": JANUARY["from_"]}, "to"),
        (JANUARY, "by"),
        ({**JANUARY, "by": "staff"}, "by"),
        ({**JANUARY, "by": "level", "to": "2023-12-31T00:00:00Z"}, "to"),
        ({**JANUARY, "by": "level", "to": "soon"}, "to"),
        ({**JANUARY, "by": "level", "limit": "5"}, "limit"),
    ],
)
async def test_a_report_that_cannot_be_made_is_refused_with_what_is_wrong(
    reader: Reader, query: dict[str, Any], named: str
) -> None:
    answer = await reader.get(REPORT, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert answer.json()["errors"][0]["parameter"] == named
