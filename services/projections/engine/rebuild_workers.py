"""The bulk of a rebuild: workers take one partition after another, in this process or in others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Literal

import asyncpg

from services.projections.engine.batch import Decode
from services.projections.engine.generations import LiveView
from services.projections.engine.operating import operating_connection
from services.projections.engine.refreshing import refresh
from services.projections.engine.shadow import CACHE_BYTES, Shadow, ShadowView
from services.projections.engine.shadow_run import Pace, Target, prefetched, project_partition
from services.projections.engine.source_chunks import Chunks, JournalSource, LogSource
from services.projections.sight.positions import PartitionProgress, progress
from shared.log.port import EventLog, LogUnavailableError

Source = Literal["log", "journal"]

_MOST_ATTEMPTS = 60
_RETRY_SECONDS = 1.0
_RELEASE = "select pg_advisory_unlock(hashtext($1), $2)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What the workers of one rebuild share. `events_per_second` is for all of them together; None is no bound."""

    database_url: str
    log: EventLog
    decode: Decode
    targets: tuple[Target, ...]
    source: Source
    events_per_second: float | None = None
    cache_bytes: int = CACHE_BYTES


async def run_workers(bulk: Bulk, workers: int) -> None:
    """Projects every partition to its target with so many workers in this process. Raises what the first one raises."""
    share = replace(
        bulk,
        events_per_second=bulk.events_per_second / workers if bulk.events_per_second is not None else None,
    )
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(project_partitions(share))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def project_partitions(bulk: Bulk) -> None:
    """One worker: takes partitions that nobody works on until none is left. May be repeated, and run by any number.

    A log that does not answer is asked again, from the last checkpoint, for a minute; then raises
    `LogUnavailableError`, else what `Shadow` and the source raise.
    """
    async with (
        operating_connection(bulk.database_url, "rebuild worker") as connection,
        _source(bulk) as chunks,
    ):
        await refresh(connection, [target.read_model for target in bulk.targets])
        finished: set[int] = set()
        attempts = 0
        while (partition := await _take_partition(connection, bulk.targets, finished)) is not None:
            try:
                await _project_partition(connection, bulk, chunks, partition)
                finished.add(partition)
                attempts = 0
            except LogUnavailableError:
                attempts += 1
                if attempts == _MOST_ATTEMPTS:
                    raise
                await asyncio.sleep(_RETRY_SECONDS)
            finally:
                if not connection.is_closed():
                    await connection.execute(_RELEASE, _lock(bulk.targets), partition)


async def _project_partition(
    connection: asyncpg.Connection, bulk: Bulk, chunks: Chunks, partition: int
) -> None:
    stands = [await _progress(connection, target, partition) for target in bulk.targets]
    views = [
        ShadowView(
            LiveView.of(target.read_model, target.generation),
            target.generation,
            {partition: each.position},
            empty=each.position == each.first,
        )
        for target, each in zip(bulk.targets, stands, strict=True)
    ]
    shadow = Shadow(views, bulk.decode, bulk.cache_bytes)
    pace = Pace(bulk.events_per_second)
    await project_partition(connection, shadow, chunks, partition, stands[0].target, pace=pace)


@asynccontextmanager
async def _source(bulk: Bulk) -> AsyncIterator[Chunks]:
    async with AsyncExitStack() as opened:
        reading = await opened.enter_async_context(operating_connection(bulk.database_url, "rebuild reader"))
        if bulk.source == "journal":
            yield prefetched(JournalSource(reading).chunks)
        else:
            reader = await opened.enter_async_context(bulk.log.reader())
            yield prefetched(LogSource(reader, reading).chunks)


async def _take_partition(
    connection: asyncpg.Connection, targets: Sequence[Target], finished: set[int]
) -> int | None:
    """A partition to project, largest remainder first, held by this connection."""
    remaining: dict[int, int] = {}
    for target in targets:
        for each in await progress(connection, target.read_model.name, target.generation):
            remaining[each.partition] = max(remaining.get(each.partition, 0), each.target - each.position)
    for partition in sorted(remaining, key=lambda each: -remaining[each]):
        if partition in finished or remaining[partition] <= 0:
            continue
        if await connection.fetchval(
            "select pg_try_advisory_lock(hashtext($1), $2)", _lock(targets), partition
        ):
            return partition
    return None


def _lock(targets: Sequence[Target]) -> str:
    return "rebuild " + ", ".join(f"{target.read_model.name}_g{target.generation}" for target in targets)


async def _progress(connection: asyncpg.Connection, target: Target, partition: int) -> PartitionProgress:
    stands = await progress(connection, target.read_model.name, target.generation)
    return next(each for each in stands if each.partition == partition)
