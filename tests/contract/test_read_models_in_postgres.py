"""What every read model keeps when the engine writes it: exactly once, whole, and storable."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.projections.engine.generations import make_first_generation
from tests.case_ledger import CASE_LEDGER
from tests.channel_totals import CHANNEL_TOTALS
from tests.complaint_trails import COMPLAINT_TRAILS
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, end_of, projection, reached, worker
from tests.strategies import JsonObject, related_events
from tests.touch_counts import TOUCH_COUNTS

EVERY = (*READ_MODELS, COMPLAINT_TRAILS, CHANNEL_TOTALS, TOUCH_COUNTS, CASE_LEDGER)
TABLES = [(each, table.name) for each in EVERY for table in each.tables]
_KEPT = (
    "control.journal", "control.positions", "control.parked_events", "control.log_identity", "control.attempts",
)  # fmt: skip


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=3)
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        for read_model in EVERY:
            await make_first_generation(connection, read_model)
    yield connection
    await connection.close()


async def rows(connection: asyncpg.Connection) -> dict[str, Counter[str]]:
    """Every row of every view, as text."""
    found = {}
    for _, name in TABLES:
        rows = await connection.fetch(f"select v::text as row from live.{name} v")  # noqa: S608
        found[name] = Counter(row["row"] for row in rows)
    return found


async def forget_everything(connection: asyncpg.Connection) -> None:
    tables = [*_KEPT, *(f"{each.name}_g1.{name}" for each, name in TABLES)]
    await connection.execute(f"truncate {', '.join(tables)}")


async def projected(
    connection: asyncpg.Connection, database_url: str, log: MemoryLog, batch_events: int
) -> dict[str, Counter[str]]:
    async with worker(projection(database_url, log, read_models=EVERY, batch_events=batch_events)):
        await reached(connection, end_of(log))
    assert await connection.fetch("select view, event_id, error, detail from control.parked_events") == []
    return await rows(connection)


@given(
    posted=st.lists(related_events(), min_size=1, max_size=20, unique_by=lambda event: event["id"]),
    batch_events=st.integers(1, 9),
    again=st.data(),
)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
async def test_delivered_twice_and_cut_anywhere_equals_once_at_once(
    connection: asyncpg.Connection,
    database_url: str,
    posted: list[JsonObject],
    batch_events: int,
    again: Any,
) -> None:
    await forget_everything(connection)
    log = MemoryLog(partitions=3)
    await append(log, posted)
    once = await projected(connection, database_url, log, 1000)
    assert once["timeline"].total() == len(posted)
    await forget_everything(connection)
    await append(log, again.draw(st.permutations(posted)))
    assert await projected(connection, database_url, log, batch_events) == once
