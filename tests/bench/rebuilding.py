"""`rapport rebuild` as an operator runs it, beside a filled log and its projected views."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg
import psutil
from prometheus_client import CollectorRegistry

from services.projections.engine.kept_generations import drop
from services.projections.engine.rebuild import discard
from services.projections.sight.generations import generations
from shared.log.choose import event_log
from shared.metrics import Metrics
from tests.bench.deployment import COMMAND, Deployment, on_embedded_log, positions_sum
from tests.bench.environment import PROJECT, Bench
from tests.bench.measurement import BenchError
from tests.bench.processes import Child, child, wait_until
from tests.bench.purchases import FULL_DATA, customers, fill, purchases

_PROJECT_SECONDS = 3600
_REBUILD_SECONDS = 3600
_LOOK_SECONDS = 0.05
_EVENTS_A_CUSTOMER = 50


class Rebuilt(NamedTuple):
    """One run of the command: its time from start to end, that of its steps, and its largest worker's peak memory."""

    events: int
    seconds: float
    steps: Mapping[str, float]
    worker_mebibytes: float

    @property
    def rate(self) -> float:
        """Events a second of the whole command."""
        return self.events / self.seconds

    @property
    def reading_rate(self) -> float:
        """Events a second of its longest step, in which events are read, folded and written."""
        return self.events / self.steps["reading the log"]


@dataclass(frozen=True, slots=True)
class Projected:
    """A deployment whose views are up to date with so many events."""

    deployment: Deployment
    events: int

    async def rebuild(self, *options: str) -> Rebuilt:
        """Rebuilds all views, switches, and drops what readers saw before. Raises `BenchError` where rows differ."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        peak = 0.0
        async with self.rebuilding("--json", *options) as running:
            while running.process.returncode is None:
                peak = max(peak, _largest_worker_mebibytes(running))
                if loop.time() - begun > _REBUILD_SECONDS:
                    raise BenchError(f"a rebuild took over {_REBUILD_SECONDS} s")
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(running.process.wait()), _LOOK_SECONDS)
        seconds = loop.time() - begun
        if running.process.returncode != 0:
            running.check_alive()
        answer: dict[str, Any] = json.loads(running.output.read_text(encoding="utf-8"))
        if answer["events"] != self.events or any(each.get("differing") != 0 for each in answer["views"]):
            raise BenchError(f"a rebuild of {self.events} events answered {answer}")
        await self.drop_others()
        return Rebuilt(self.events, seconds, answer["steps"], peak)

    @asynccontextmanager
    async def rebuilding(self, *options: str) -> AsyncIterator[Child]:
        """Runs the command until the context is left."""
        bench = self.deployment.bench
        async with child(
            "rapport rebuild", (*COMMAND, "rebuild", "--all", *options),
            environment=bench.process_environment(**self.deployment.variables), directory=PROJECT,
            output=bench.output("rebuild"),
        ) as running:  # fmt: skip
            yield running

    async def drop_others(self) -> None:
        """Drops every generation that readers do not see, those of rebuilds cut short included."""
        connection = await asyncpg.connect(self.deployment.database_url)
        try:
            for each in await generations(connection):
                if each.state == "building":
                    async with connection.transaction():
                        await discard(connection, each.view, each.generation)
                elif not each.shown:
                    await drop(connection, each.view, each.generation)
            await connection.execute("checkpoint", timeout=_PROJECT_SECONDS)
        finally:
            await connection.close()


@asynccontextmanager
async def projected(bench: Bench, events: int, data: bytes = FULL_DATA) -> AsyncIterator[Projected]:
    """A deployment over the embedded log, with so many purchases of a fiftieth as many customers projected."""
    async with on_embedded_log(bench, "rebuild") as deployment:
        bench.say(f"filling the log with {events:,} purchases and projecting them")
        log = event_log(deployment.settings, Metrics(CollectorRegistry()))
        await fill(log, purchases(events, customers(max(events // _EVENTS_A_CUSTOMER, 100)), data))
        connection = await asyncpg.connect(deployment.database_url)

        async def at_end() -> bool:
            return await positions_sum(connection) >= events

        try:
            async with deployment.project() as worker:
                await wait_until(
                    at_end, "the views to be projected", seconds=_PROJECT_SECONDS, while_alive=(worker,)
                )
            await connection.execute("vacuum analyze", timeout=_PROJECT_SECONDS)
            await connection.execute("checkpoint", timeout=_PROJECT_SECONDS)
        finally:
            await connection.close()
        yield Projected(deployment, events)


def _largest_worker_mebibytes(running: Child) -> float:
    """What the largest of its child processes has resident now."""
    largest = 0.0
    with suppress(psutil.Error):
        for process in psutil.Process(running.process.pid).children():
            with suppress(psutil.Error):
                largest = max(largest, process.memory_info().rss / 2**20)
    return largest
