"""Lookups a second, and what a timeline page of a customer of 20 parties costs beside one of a single party."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
from prometheus_client import CollectorRegistry

from shared.identifiers import PartyIds
from shared.log.choose import event_log
from shared.metrics import Metrics
from tests.bench.deployment import Deployment, on_embedded_log, positions_sum
from tests.bench.environment import PEPPER, Bench
from tests.bench.identity_events import ENTRIES, PARTIES, Named, events, household, lone, merged
from tests.bench.measurement import Outcome, Row, Wanted, interleave
from tests.bench.processes import wait_until
from tests.bench.purchases import fill
from tests.bench.timeline_page import Pages
from tests.bench.wrk import run_wrk

_HOUSEHOLDS = 10_000
_PAIRS = 500
_FILL_SECONDS = 600
_WARM_UP_SECONDS = 2
_LONE, _MERGED, _LOOKUPS = "one party", f"{PARTIES} parties", "rapport api"


async def measure(bench: Bench) -> Outcome:
    """One API process over one database, loaded with each kind of request in turns."""
    households, pairs = max(bench.count(_HOUSEHOLDS), 100), max(bench.count(_PAIRS), 10)
    async with _filled(bench, households, pairs) as deployment, deployment.serve("api") as (_, port):
        bodies = bench.directory / "lookups.txt"
        bodies.write_text("".join(f"{each}\n" for each in _bodies(households)), encoding="utf-8")
        pages = {
            name: Pages(name, port, _paths(bench, name, [kind(number) for number in range(pairs)]))
            for name, kind in ((_LONE, lone), (_MERGED, merged))
        }

        async def lookups(seconds: int) -> float:
            load = await run_wrk(
                f"http://127.0.0.1:{port}/",
                "lookup.lua",
                seconds=seconds,
                environment={"BENCH_BODIES": str(bodies)},
            )
            return load.rate

        contenders = {_LOOKUPS: lookups, **{name: each.pages_a_second for name, each in pages.items()}}
        for load in contenders.values():
            await load(_WARM_UP_SECONDS)
        figures = await interleave(
            {name: partial(load, bench.seconds) for name, load in contenders.items()}, bench.rounds
        )
    return Outcome(
        (
            Row("lookups of customers of 3 identifiers", "lookups/s", figures[_LOOKUPS], wanted=Wanted(least=3_000)),
            Row(
                f"timeline page of {PARTIES} parties", "pages/s", figures[_MERGED], figures[_LONE],
                Wanted(least_ratio=0.5), "of 50 entries",
            ),
        )
    )  # fmt: skip


@asynccontextmanager
async def _filled(bench: Bench, households: int, pairs: int) -> AsyncIterator[Deployment]:
    async with on_embedded_log(bench, "identities") as deployment:
        count = 2 * households + 2 * ENTRIES * pairs
        bench.say(f"projecting {count:,} purchases of linked customers")
        log = event_log(deployment.settings, Metrics(CollectorRegistry()))
        await fill(log, events(households, pairs))
        connection = await asyncpg.connect(deployment.database_url)

        async def at_end() -> bool:
            return await positions_sum(connection) >= count

        try:
            async with deployment.project() as worker:
                await wait_until(
                    at_end, "the customers to be projected", seconds=_FILL_SECONDS, while_alive=(worker,)
                )
            await connection.execute("vacuum analyze", timeout=_FILL_SECONDS)
            await connection.execute("checkpoint", timeout=_FILL_SECONDS)
        finally:
            await connection.close()
        yield deployment


def _bodies(households: int) -> list[str]:
    return [
        json.dumps({"type": kind, "value": value})
        for number in range(households)
        for kind, value in household(number)
    ]


def _paths(bench: Bench, name: str, customers: list[Named]) -> Path:
    party_ids = PartyIds(PEPPER)
    file = bench.directory / f"paths-{name.replace(' ', '-')}.txt"
    strongest = [party_ids.of(*named[0]) for named in customers]
    file.write_text(
        "".join(f"/v1/customers/{party_id}/timeline?limit=50\n" for party_id in strongest), encoding="utf-8"
    )
    return file
