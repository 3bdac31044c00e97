"""Pages of 50 timeline entries a second, of random customers among 10,000 with 60 entries each."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg
from prometheus_client import CollectorRegistry

from shared.log.choose import event_log
from shared.metrics import Metrics
from tests.bench import naive_timeline
from tests.bench.deployment import Deployment, on_embedded_log, positions_sum
from tests.bench.environment import PROJECT, PYTHON, Bench, database
from tests.bench.measurement import Left, Outcome, Row, Wanted, interleave
from tests.bench.processes import answers, child, free_port, wait_until
from tests.bench.purchases import SHORT_DATA, customers, fill, purchases
from tests.bench.wrk import run_wrk

_CUSTOMERS = 10_000
_ENTRIES_A_CUSTOMER = 60
_FILL_SECONDS = 600
_WARM_UP_SECONDS = 2
_OURS = "rapport api"
_OWN_NAIVE = "naive, response_model"
_YARDSTICK = "yardstick naive_read, response_model"


@dataclass(slots=True)
class Pages:
    """A running service whose pages are at the paths listed in a file."""

    name: str
    port: int
    paths: Path
    page_bytes: list[float] = field(default_factory=list)

    async def pages_a_second(self, seconds: int) -> float:
        """Loads it over 64 connections, each request for a random customer."""
        environment = {"BENCH_PATHS": str(self.paths)}
        load = await run_wrk(
            f"http://127.0.0.1:{self.port}/", "timeline_page.lua", seconds=seconds, environment=environment
        )
        self.page_bytes.append(load.bytes / load.requests)
        return load.rate


async def measure(bench: Bench) -> Outcome:
    """Our API beside a response-model service of the suite's own, and the one of the yardsticks."""
    count = max(int(_CUSTOMERS * bench.scale), 100)
    left: list[Left] = []
    async with AsyncExitStack() as stack:
        ours, _ = await stack.enter_async_context(_ours(bench, count))
        services = [
            ours,
            await stack.enter_async_context(_own_naive(bench, count)),
        ]
        if bench.yardsticks is None:
            left.append(Left(_YARDSTICK, "no folder of yardsticks"))
        else:
            services.append(await stack.enter_async_context(_yardstick(bench, bench.yardsticks)))
        for service in services:
            await service.pages_a_second(_WARM_UP_SECONDS)
        figures = await interleave(
            {service.name: partial(service.pages_a_second, bench.seconds) for service in services},
            bench.rounds,
        )
    note = "bytes a page: " + ", ".join(
        f"{service.name} {service.page_bytes[-1]:,.0f}" for service in services
    )
    rows = [
        Row(
            "timeline page of 50",
            "pages/s",
            figures[_OURS],
            figures[service.name],
            Wanted(least_ratio=2),
            note if last else "",
        )
        for service, last in ((one, one is services[-1]) for one in services[1:])
    ]
    return Outcome(tuple(rows), tuple(left))


@asynccontextmanager
async def our_pages(bench: Bench) -> AsyncIterator[tuple[Pages, Deployment, int]]:
    """Our API over its projected events, with the deployment and the number of them."""
    count = max(int(_CUSTOMERS * bench.scale), 100)
    async with _ours(bench, count) as (pages, deployment):
        yield pages, deployment, count * _ENTRIES_A_CUSTOMER


@asynccontextmanager
async def _ours(bench: Bench, count: int) -> AsyncIterator[tuple[Pages, Deployment]]:
    async with on_embedded_log(bench, "pages") as deployment:
        members = customers(count)
        await _project(deployment, count * _ENTRIES_A_CUSTOMER, members_count=count)
        paths = _write(
            bench, "ours", [f"/v1/customers/{member.party_id}/timeline?limit=50" for member in members]
        )
        async with deployment.serve("api") as (_, port):
            yield Pages(_OURS, port, paths), deployment


async def _project(deployment: Deployment, events: int, members_count: int) -> None:
    deployment.bench.say(f"projecting {events:,} purchases for the timeline pages")
    log = event_log(deployment.settings, Metrics(CollectorRegistry()))
    await fill(log, purchases(events, customers(members_count), SHORT_DATA))
    connection = await asyncpg.connect(deployment.database_url)

    async def at_end() -> bool:
        return await positions_sum(connection) >= events

    try:
        async with deployment.project() as worker:
            await wait_until(
                at_end, "the timeline to be projected", seconds=_FILL_SECONDS, while_alive=(worker,)
            )
        await connection.execute("vacuum analyze", timeout=_FILL_SECONDS)
        await connection.execute("checkpoint", timeout=_FILL_SECONDS)
    finally:
        await connection.close()


@asynccontextmanager
async def _own_naive(bench: Bench, count: int) -> AsyncIterator[Pages]:
    async with database(bench.postgres, "naive") as url:
        paths = _write(bench, "naive", await naive_timeline.fill(url, count, count * _ENTRIES_A_CUSTOMER))
        async with _service(bench, _OWN_NAIVE, PROJECT, "tests.bench.naive_timeline:app", url) as port:
            yield Pages(_OWN_NAIVE, port, paths)


@asynccontextmanager
async def _yardstick(bench: Bench, folder: Path) -> AsyncIterator[Pages]:
    async with database(bench.postgres, "yardstick") as url:
        paths = _write(bench, "yardstick", [f"/response_model/c{number}" for number in range(_CUSTOMERS)])
        async with _service(bench, _YARDSTICK, folder, "naive_read:app", url) as port:
            yield Pages(_YARDSTICK, port, paths)


@asynccontextmanager
async def _service(bench: Bench, name: str, folder: Path, app: str, url: str) -> AsyncIterator[int]:
    port = free_port()
    command = (PYTHON, "-m", "uvicorn", app, "--app-dir", str(folder), "--port", str(port), "--no-access-log")
    async with child(
        name, command, environment=bench.process_environment(DATABASE_URL=url), directory=bench.directory,
        output=bench.output("pages"), ready=answers(port, "/openapi.json"), start_seconds=_FILL_SECONDS,
    ):  # fmt: skip
        yield port


def _write(bench: Bench, name: str, paths: list[str]) -> Path:
    file = bench.directory / f"paths-{name}.txt"
    file.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    return file
