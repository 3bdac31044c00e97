"""What tests of parked events share: steps of complaints, a projected log, what is parked, what redriving came to."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg

from services.projections.engine.generations import make_first_generation
from services.projections.engine.parked_discarding import Chosen, Discarded, Reason, discard_parked
from services.projections.engine.parked_redrive import EVERYTHING, Redriven, Wanted, redrive
from services.projections.engine.verify import verify
from services.projections.read_models.declaration import ReadModel
from tests.case_ledger import CASE_LEDGER
from tests.complaint_trails import COMPLAINT_TRAILS
from tests.failing_views import EVERY, OF_EVERY_KIND
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, decode, end_of, projection, purchase, reached, worker
from tests.rebuilding import rebuilding
from tests.strategies import JsonObject

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
BECAUSE = Reason("ada", WHEN, "sent in error")


def step(number: int, complaint: str, type_: str = "reopened", **changed: Any) -> JsonObject:
    """An event of a complaint; its id is `step-NUMBER`."""
    return purchase(
        number,
        **{
            "id": f"step-{number}",
            "type": f"complaint.{type_}",
            "data": {"complaint_id": complaint},
            **changed,
        },
    )


async def make_generations(connection: asyncpg.Connection) -> None:
    """The first generations of the views that are for tests alone."""
    async with connection.transaction():
        for read_model in (COMPLAINT_TRAILS, CASE_LEDGER):
            await make_first_generation(connection, read_model)


async def project(
    connection: asyncpg.Connection,
    database_url: str,
    log: MemoryLog,
    events: Iterable[JsonObject] = (),
    read_models: Sequence[ReadModel] = EVERY,
    **changed: Any,
) -> None:
    """Appends and projects up to the log's end."""
    await append(log, list(events))
    async with worker(projection(database_url, log, read_models=tuple(read_models), **changed)):
        await reached(connection, end_of(log))


async def waiting(connection: asyncpg.Connection, view: str) -> list[tuple[str | None, str]]:
    """Event and error of what waits for a view, in the order of the log."""
    rows = await connection.fetch(
        "select event_id, error from control.parked_events where view = $1 and discarded_at is null "
        "order by partition, log_offset",
        view,
    )
    return [(row["event_id"], row["error"]) for row in rows]


class Count(NamedTuple):
    """Of a view: events and stream keys that wait, events discarded, events redriven so far."""

    view: str
    events: int
    keys: int
    discarded: int
    redriven: int


async def parked_counts(connection: asyncpg.Connection) -> list[Count]:
    """The counts of every view that has any."""
    rows = await connection.fetch(
        "select coalesce(parked.view, redriven.view) as view, "
        "count(log_offset) filter (where discarded_at is null), "
        "count(distinct coalesce(stream_key, log_offset::text)) filter (where discarded_at is null), "
        "count(discarded_at), coalesce(max(redriven.events), 0) "
        "from control.parked_events parked full join control.redriven_events redriven using (view) "
        "group by 1 order by 1"
    )
    return [Count(*row) for row in rows]


async def redrive_all(
    connection: asyncpg.Connection,
    read_models: Sequence[ReadModel] = OF_EVERY_KIND,
    wanted: Wanted = EVERYTHING,
) -> list[Redriven]:
    """Redrives each view."""
    return [await redrive(connection, read_model, decode, wanted) for read_model in read_models]


async def discard(connection: asyncpg.Connection, event_id: str, view: str) -> Discarded:
    """Discards one event of a view."""
    row = await connection.fetchrow(
        "select partition, log_offset from control.parked_events where event_id = $1 and view = $2",
        event_id,
        view,
    )
    assert row is not None
    return await discard_parked(connection, Chosen(view, row["partition"], row["log_offset"]), BECAUSE)


async def differing(
    database_url: str, log: MemoryLog, read_models: Sequence[ReadModel] = EVERY
) -> dict[str, int]:
    """How many rows of each view are not what the log makes them; only views where any are."""
    compared = await verify(rebuilding(database_url, log, read_models=tuple(read_models)))
    return {each.view: each.differing for each in compared if each.differing}
