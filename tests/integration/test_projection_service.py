"""`rapport project` says over HTTP what its projections need and how they fare."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.ops.projection_service import run
from shared.log.choose import event_log
from shared.metrics import Metrics
from shared.settings import Settings
from tests.databases import empty_views
from tests.projecting import append, eventually, purchase


@asynccontextmanager
async def serving(database_url: str, log: str) -> AsyncIterator[httpx.AsyncClient]:
    """The service on a free port, and a client of it."""
    settings = settings_of(database_url, log)
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run(settings, stop, port.set_result))
    address = f"http://127.0.0.1:{await port}"
    try:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            yield client
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)


def settings_of(database_url: str, log: str) -> Settings:
    return Settings(
        database_url=SecretStr(database_url), log=log, port=0, identifier_pepper=SecretStr("p" * 16)
    )


async def test_it_is_ready_while_the_log_and_the_database_answer_and_views_move(database_url: str) -> None:
    await empty_views(database_url, partitions=4)
    async with serving(database_url, "embedded") as client:

        async def ready() -> Any:
            answer = await client.get("/readyz")
            return answer.json() if answer.is_success else None

        checks = (await eventually(ready))["checks"]
        assert checks == {"database": "ok", "event log": "ok", "views": "ok"}
        log = event_log(settings_of(database_url, "embedded"), Metrics(CollectorRegistry()))
        await append(log, [purchase(number) for number in range(10)])

        async def told() -> bool:
            return (
                'rapport_projection_events_total{outcome="applied"} 10.0'
                in (await client.get("/metrics")).text
            )

        await eventually(told)


async def test_it_is_not_ready_while_the_log_is_away_and_says_so(database_url: str, free_port: int) -> None:
    await empty_views(database_url, partitions=4)
    async with serving(database_url, f"kafka://127.0.0.1:{free_port}/absent") as client:

        async def looked() -> Any:
            checks = (await client.get("/readyz")).json()["checks"]
            return checks if checks["database"] == "ok" else None

        checks = await eventually(looked, within_seconds=40)
        assert "LogUnavailableError" in checks["event log"]
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        assert "rapport_projection_log_up 0.0" in (await client.get("/metrics")).text
