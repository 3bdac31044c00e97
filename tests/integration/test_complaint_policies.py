"""Policies come into force for complaints opened from then on, the same for every worker and every rebuild."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.projections.complaints.policies_in_force import PoliciesInForce
from services.projections.complaints.policy_content import version_of
from services.projections.complaints.policy_file import parse
from services.projections.engine.rebuild import rebuild
from services.projections.read_models.complaints import complaints
from services.projections.registered_policies import register_policies
from tests.databases import empty_views
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, end_of, projection, purchase, reached, worker
from tests.rebuilding import rebuilding, rows_of
from tests.strategies import JsonObject

PARTITIONS = 3


def content(first_response: str) -> str:
    """Policies that differ in one target."""
    return parse(
        f"""
        [calendar.utc]
        timezone = "UTC"
        hours = {{ mon = "00:00-24:00", tue = "00:00-24:00", wed = "00:00-24:00", thu = "00:00-24:00" }}
        [policy.default]
        calendar = "utc"
        fallback = "normal"
        [policy.default.normal]
        first_response = "{first_response}"
        resolution = "24h"
        """,
        "policies.toml",
    )


FIRST, SECOND = content("4h"), content("2h")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=PARTITIONS)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def opened(number: int) -> JsonObject:
    data = {
        "complaint_id": f"C-{number}",
        "customer": [{"type": "member", "value": "M1"}],
        "summary": "cold soup",
        "cause": "quality_below_expectation",
        "severity": "normal",
    }
    return purchase(number, id=f"opened-{number}", type="complaint.opened", data=data)


async def versions(connection: asyncpg.Connection) -> dict[str, str]:
    rows = await connection.fetch("select complaint_id, policy_version from live.complaints where part = 0")
    return {row["complaint_id"]: row["policy_version"] for row in rows}


async def test_a_change_of_policies_holds_for_complaints_opened_after_it_and_a_rebuild_agrees(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=PARTITIONS)
    assert await register_policies(connection, FIRST)
    async with worker(projection(database_url, log)), worker(projection(database_url, log)):
        await append(log, [opened(number) for number in range(12)])
        await reached(connection, end_of(log))
        assert await register_policies(connection, SECOND)
        await append(log, [opened(number) for number in range(12, 24)])
        await reached(connection, end_of(log))
    found = await versions(connection)
    assert {found[f"C-{number}"] for number in range(12)} == {version_of(FIRST)}
    assert {found[f"C-{number}"] for number in range(12, 24)} == {version_of(SECOND)}
    # What was registered counts, not the file of the program that rebuilds.
    read_models = (complaints(PoliciesInForce(content("9h"))),)
    for source in ("log", "journal"):
        [done] = await rebuild(rebuilding(database_url, log, read_models=read_models, source=source))
        assert done.comparison is not None
        assert done.comparison.differing == 0


async def test_what_is_in_force_is_registered_once(connection: asyncpg.Connection) -> None:
    assert await register_policies(connection, FIRST)
    assert not await register_policies(connection, FIRST)
    assert await register_policies(connection, SECOND)
    assert await register_policies(connection, FIRST)
    assert await connection.fetchval("select count(*) from control.complaint_policies") == 3


async def test_a_worker_meets_no_complaint_before_its_policies_are_in_force(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = MemoryLog(partitions=PARTITIONS)
    await append(log, [opened(number) for number in range(5)])

    async def prepare(session: asyncpg.Connection) -> None:
        await register_policies(session, SECOND)

    async with worker(projection(database_url, log, prepare=prepare)):
        await reached(connection, end_of(log))
    assert set((await versions(connection)).values()) == {version_of(SECOND)}
    read_models = (complaints(PoliciesInForce(FIRST)),)
    before = await rows_of(connection, read_models[0], 1)
    [done] = await rebuild(rebuilding(database_url, log, read_models=read_models))
    assert done.comparison is not None
    assert done.comparison.differing == 0
    assert await rows_of(connection, read_models[0], 2) == before
