"""Events a second that workers project from a full log into an empty database."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
from prometheus_client import CollectorRegistry

from services.projections.migrate import migrate
from shared.log.choose import event_log
from shared.metrics import Metrics
from tests.bench.deployment import Deployment, on_embedded_log, on_kafka, positions_sum
from tests.bench.environment import PARTITIONS, PROJECT, PYTHON, Bench, database
from tests.bench.eventsourced_projection import TIMELINE
from tests.bench.measurement import BenchError, Measure, Outcome, Row, Wanted, interleave
from tests.bench.paused_views import pause_all_but
from tests.bench.processes import Child, child, wait_until
from tests.bench.purchases import customers, fill, purchases

_EVENTS = 200_000
LEAST_EVENTS = 20_000
"""Several batches, so that a rate shows."""
_CUSTOMERS = 10_000
_LIBRARY_EVENTS = 10_000
_FINISH_SECONDS = 300
_TIMELINE = "the timeline alone"
_WITH_SUMMARIES = "timeline and customer summaries"
_EVERY_VIEW = "every view"
_TWO_WORKERS = "every view, by two workers"
_EMBEDDED = "every view, from the embedded log"
_LIBRARY = "eventsourcing, a transaction an event"
_WANTED = Wanted(least=15_000, least_ratio=10)

Progress = Callable[[asyncpg.Connection], Awaitable[int]]


async def measure(bench: Bench) -> Outcome:
    """Our worker from Kafka into fewer and more views, from the embedded log, and the library's from its own tables."""
    events = max(bench.count(_EVENTS), LEAST_EVENTS)
    async with (
        on_kafka(bench, "project") as filled,
        _from_embedded(bench, events) as embedded,
        from_library(bench) as library,
    ):
        await _fill(filled, events)
        contenders = {
            _TIMELINE: _from_kafka(filled, events, "timeline"),
            _WITH_SUMMARIES: _from_kafka(filled, events, "timeline", "customer_summary"),
            _EVERY_VIEW: _from_kafka(filled, events),
            _TWO_WORKERS: _from_kafka(filled, events, workers=2),
            _EMBEDDED: embedded,
            _LIBRARY: library,
        }
        figures = await interleave(contenders, bench.rounds)
    note = f"{events:,} purchases of members; rate from the first commit to the last"
    return Outcome(
        tuple(
            Row(f"projection of {name}", "events/s", figures[name], figures[_LIBRARY], wanted, note)
            for name, wanted, note in (
                (_TIMELINE, _WANTED, note),
                (_WITH_SUMMARIES, _WANTED, ""),
                (_EVERY_VIEW, _WANTED, ""),
                (_TWO_WORKERS, _WANTED, ""),
                (_EMBEDDED, None, ""),
            )
        )
    )


def _from_kafka(filled: Deployment, events: int, *views: str, workers: int = 1) -> Measure:
    """Over the full topic into an empty database, into some views, or every one where none is named."""

    async def once() -> float:
        async with database(filled.bench.postgres, "project") as url:
            await migrate(url, PARTITIONS)
            if views:
                await pause_all_but(url, *views)
            return await _project(Deployment(filled.bench, url, filled.log), events, workers)

    return once


@asynccontextmanager
async def _from_embedded(bench: Bench, events: int) -> AsyncIterator[Measure]:
    """The embedded log lives in the views' database, so each measurement takes a copy of the filled one."""
    async with on_embedded_log(bench, "project") as filled:
        await _fill(filled, events)

        async def once() -> float:
            async with database(bench.postgres, "project", template=filled.database_url) as url:
                return await _project(Deployment(bench, url, filled.log), events)

        yield once


@asynccontextmanager
async def from_library(bench: Bench) -> AsyncIterator[Measure]:
    """The library's projection: events a second, from a recorded log into an empty timeline table."""
    events = bench.count(_LIBRARY_EVENTS)
    async with database(bench.postgres, "library") as filled:
        async with _library(bench, "fill", filled, str(events)) as filling:
            await wait_until(_ended(filling), "eventsourcing to record purchases", seconds=_FINISH_SECONDS)
            if filling.process.returncode != 0:
                filling.check_alive()

        async def once() -> float:
            async with (
                database(bench.postgres, "library", template=filled) as url,
                _library(bench, "project", url) as worker,
            ):
                return await _rate(url, _entries, events, worker)

        yield once


@asynccontextmanager
async def _library(bench: Bench, *arguments: str) -> AsyncIterator[Child]:
    command = (PYTHON, "-m", "tests.bench.eventsourced_projection", *arguments)
    async with child(
        f"eventsourcing {arguments[0]}", command, environment=bench.process_environment(), directory=PROJECT,
        output=bench.output("library"),
    ) as running:  # fmt: skip
        yield running


async def _fill(deployment: Deployment, events: int) -> None:
    deployment.bench.say(f"filling the log with {events:,} purchases")
    log = event_log(deployment.settings, Metrics(CollectorRegistry()))
    await fill(log, purchases(events, customers(_CUSTOMERS)))


async def _project(deployment: Deployment, events: int, workers: int = 1) -> float:
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(deployment.project()) for _ in range(workers)]
        return await projected(deployment.database_url, events, *running)


async def projected(url: str, events: int, *workers: Child) -> float:
    """Events a second at which some workers take up so many, from their first commit seen to the last.

    Raises `BenchError` when one ends or they take too long.
    """
    return await _rate(url, positions_sum, events, *workers)


async def _rate(url: str, progress: Progress, events: int, *workers: Child) -> float:
    """Events a second from the first progress seen to the end, so that starting a process does not count."""
    connection = await asyncpg.connect(url)
    seen: list[tuple[float, int]] = []

    async def at_end() -> bool:
        done = await progress(connection)
        if done and (not seen or done > seen[-1][1]):
            seen.append((time.perf_counter(), done))
        return done >= events

    try:
        await wait_until(at_end, "the projection to finish", seconds=_FINISH_SECONDS, while_alive=workers)
    finally:
        await connection.close()
    (begun, first), (ended, last) = seen[0], seen[-1]
    if last == first:
        raise BenchError("the projection took the whole log in one step; measure with more events")
    return (last - first) / (ended - begun)


async def _entries(connection: asyncpg.Connection) -> int:
    if await connection.fetchval("select to_regclass($1)", TIMELINE) is None:
        return 0
    entries: int = await connection.fetchval(f"select count(*) from {TIMELINE}")  # noqa: S608  # a constant
    return entries


def _ended(process: Child) -> Callable[[], Awaitable[bool]]:
    async def probe() -> bool:
        return process.process.returncode is not None

    return probe
