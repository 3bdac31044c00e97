"""What tests of the projection worker share: events to append, workers to run, and the rows they left."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
from prometheus_client import CollectorRegistry

from services.projections.engine.folding import contribution_of
from services.projections.engine.generations import LiveView
from services.projections.engine.worker import Projection, run_worker
from shared.codec import decode_record
from shared.log.port import Appended, EventLog, NewRecord
from shared.metrics import Metrics
from shared.position import Position
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.strategies import CATALOGUE, JsonObject, record_of

decode = partial(decode_record, catalogue=CATALOGUE)


def purchase(number: int, member: str = "M1", **changed: Any) -> JsonObject:
    """A purchase as posted; its id and its time follow from `number`."""
    return {
        "specversion": "1.0",
        "id": f"purchase-{number}",
        "source": "/store/bkk-01/pos-3",
        "type": "purchase.completed",
        "time": f"2024-05-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}+02:00",
        "channel": "store",
        "data": {
            "customer": [{"type": "member", "value": member}],
            "order_id": f"o-{number}",
            "total": {"amount": "12.50", "currency": "EUR"},
            "lines": [],
        },
        **changed,
    }


def record(posted: JsonObject) -> NewRecord:
    """The record that ingest would append."""
    stored = record_of(posted)
    assert stored.key is not None
    assert stored.value is not None
    return NewRecord(stored.key, stored.value)


def views_given(posted: JsonObject) -> list[str]:
    """The declared views that an event gives something."""
    event = decode(record_of(posted))
    return [each.name for each in READ_MODELS if contribution_of(LiveView.of(each, 1), event) is not None]


async def append(log: EventLog, posted: Iterable[JsonObject]) -> Position:
    """Appends events as ingest would and answers the position that includes them all."""
    async with log.writer() as writer:
        outcomes = await writer.append([record(event) for event in posted])
    appended = [outcome for outcome in outcomes if isinstance(outcome, Appended)]
    assert len(appended) == len(outcomes)
    return Position.of_written(appended)


def end_of(log: MemoryLog) -> Position:
    """The position that includes everything the log holds."""
    return Position.of_written((stored.partition, stored.offset) for stored in log.records())


def projection(database_url: str, log: EventLog, **changed: Any) -> Projection:
    """The real read models, with paces that suit tests."""
    settings: dict[str, Any] = {
        "read_models": READ_MODELS,
        "decode": decode,
        "metrics": Metrics(CollectorRegistry()),
        "heartbeat_seconds": 0.05,
        **changed,
    }
    return Projection(database_url=database_url, log=log, **settings)


@asynccontextmanager
async def worker(projected: Projection) -> AsyncIterator[asyncio.Task[None]]:
    """A worker that runs meanwhile and is stopped afterwards; what it raises, leaving the context raises."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(projected, stop))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait_for(task, 15)


async def eventually(holds: Callable[[], Any], *, within_seconds: float = 60) -> Any:
    """Asks an async condition again and again until it holds, and answers what it answered."""
    async with asyncio.timeout(within_seconds):
        while not (answer := await holds()):
            await asyncio.sleep(0.02)
    return answer


async def reached(connection: asyncpg.Connection, position: Position, *, within_seconds: float = 60) -> None:
    """Waits until the views have reached a position."""

    async def there() -> bool:
        return (await position_of(connection)).includes(position)

    await eventually(there, within_seconds=within_seconds)


async def position_of(connection: asyncpg.Connection) -> Position:
    """Where the views stand."""
    rows = await connection.fetch("select partition, position from control.positions where position > 0")
    return Position({row["partition"]: row["position"] for row in rows})


async def event_ids(connection: asyncpg.Connection) -> list[str]:
    """The ids of all entries of all timelines, repeats included, in order."""
    rows = await connection.fetch(
        "select event_id from live.timeline join control.journal using (partition, log_offset) order by event_id"
    )
    return [row["event_id"] for row in rows]


async def leases(connection: asyncpg.Connection) -> dict[str, int]:
    """How many partitions each worker holds."""
    rows = await connection.fetch(
        "select worker, count(partition) as held "
        "from control.workers left join control.leases using (worker) group by 1"
    )
    return {row["worker"]: row["held"] for row in rows}
