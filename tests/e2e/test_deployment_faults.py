"""A deployment, a process a service on a real Kafka, under load while what it stands on goes away and comes back."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from tests.e2e.deployment import (
    LONGEST_REQUEST_SECONDS,
    PARTITIONS,
    RESUME_SECONDS,
    STOP_SECONDS,
    Deployment,
    ServiceProcess,
    eventually,
    kill,
)
from tests.e2e.posting_load import posting
from tests.e2e.running import Sender

pytestmark = pytest.mark.kafka


@dataclass
class Standing:
    """A deployment that serves; each test leaves it serving."""

    deployment: Deployment
    ingest: ServiceProcess
    workers: list[ServiceProcess]
    api: ServiceProcess
    said_before: dict[str, tuple[int, str]]
    """What each service answered while there was neither Kafka nor PostgreSQL."""

    async def partitions_held(self) -> list[float]:
        return [await each.metric("rapport_projection_partitions") for each in self.workers]

    async def shared_evenly(self) -> None:
        async def look() -> bool:
            return await self.partitions_held() == [PARTITIONS / 2] * 2

        await eventually(look)


@pytest.fixture(scope="module")
async def standing(servers: Deployment) -> AsyncIterator[Standing]:
    """Every service is started before Kafka and PostgreSQL are there, as an orchestrator may."""
    await servers.servers_stopped()
    with servers.named("faults") as deployed:
        ingest, api = deployed.start("ingest"), deployed.start("api")
        workers = [deployed.start("project") for _ in range(2)]
        services = [ingest, api, *workers]
        await asyncio.gather(*(each.alive() for each in services))
        said_before = {}
        for each in services:
            not_ready = await each.not_ready()
            said_before[f"{each.name} /readyz"] = not_ready.status_code, not_ready.json()["code"]
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
            posted = await client.post(f"{ingest.url}/v1/events", json=Sender("early").batch())
            asked = await client.post(
                f"{api.url}/v1/customers/lookup", json={"type": "member", "value": "M1"}
            )
        said_before["POST"] = posted.status_code, posted.json()["code"]
        said_before["GET"] = asked.status_code, asked.json()["code"]
        await deployed.prepare()
        await asyncio.gather(*(each.ready() for each in services))
        yield Standing(deployed, ingest, workers, api, said_before)


async def test_services_started_before_kafka_and_postgresql_say_so_and_heal(standing: Standing) -> None:
    assert standing.said_before == {
        "ingest /readyz": (503, "not_ready"),
        "project /readyz": (503, "not_ready"),
        "api /readyz": (503, "not_ready"),
        "POST": (503, "database_unavailable"),  # the keys were never read, so nobody can be let in
        "GET": (503, "database_unavailable"),
    }


async def test_a_posted_event_is_read_back_and_both_workers_hold_partitions(standing: Standing) -> None:
    await standing.shared_evenly()
    async with posting("first", standing.ingest.url) as load:
        await load.accepted(10)
    assert load.told_otherwise() == []
    assert await load.missing_or_repeated(standing.api.url) == (set(), set())


async def test_a_worker_killed_under_load_loses_and_doubles_nothing(standing: Standing) -> None:
    await standing.shared_evenly()
    async with posting("worker", standing.ingest.url) as load:
        await load.accepted(40)
        kill(standing.workers.pop())
        await load.accepted(40)

        async def taken_over() -> bool:
            return await standing.partitions_held() == [PARTITIONS]

        await eventually(taken_over)
        standing.workers.append(standing.deployment.start("project"))
        await standing.workers[-1].ready()
        await standing.shared_evenly()
        await load.accepted(20)
    assert {each.status for each in load.answers} == {202}
    assert await load.missing_or_repeated(standing.api.url) == (set(), set())


async def test_kafka_stopped_and_started_under_load_is_503_then_202_without_a_restart(
    standing: Standing,
) -> None:
    async with posting("kafka", standing.ingest.url) as load:
        await load.accepted(40)
        await asyncio.to_thread(standing.deployment.kafka.stop)
        await load.answered(lambda each: each.log_unavailable, 3, within_seconds=20)
        assert (await standing.ingest.not_ready()).json()["checks"].keys() == {"event log", "credentials"}
        await asyncio.to_thread(standing.deployment.kafka.start)
        served_at = time.monotonic()
        resumed_after = await load.accepted(20) - served_at
        await standing.ingest.ready(within_seconds=RESUME_SECONDS)
    assert resumed_after < RESUME_SECONDS
    assert load.longest_seconds() < LONGEST_REQUEST_SECONDS
    assert load.told_otherwise() == []
    assert await load.missing_or_repeated(standing.api.url) == (set(), set())


async def test_a_silent_kafka_keeps_no_post_longer_than_5_seconds_and_heals(standing: Standing) -> None:
    deployed = standing.deployment
    ingest, worker = (
        deployed.start(service, RAPPORT_LOG=deployed.proxied_log) for service in ("ingest", "project")
    )
    await asyncio.gather(ingest.ready(), worker.ready())
    async with posting("silent", ingest.url) as load:
        await load.accepted(20)
        deployed.proxy.black_hole()
        await load.answered(lambda each: each.log_unavailable, 3, within_seconds=20)
        await ingest.not_ready(within_seconds=LONGEST_REQUEST_SECONDS)
        deployed.proxy.heal()
        healed_at = time.monotonic()
        assert await load.accepted(20) - healed_at < RESUME_SECONDS
        assert load.longest_seconds() < LONGEST_REQUEST_SECONDS
        assert load.told_otherwise() == []

        deployed.proxy.black_hole()
        stopped = await asyncio.gather(ingest.stopped(), worker.stopped())
        deployed.proxy.heal()
    assert all(code == 0 and seconds < STOP_SECONDS for code, seconds in stopped), stopped
    assert await load.missing_or_repeated(standing.api.url) == (set(), set())


async def test_postgresql_stopped_and_started_under_load_is_nothing_to_ingest(standing: Standing) -> None:
    async with posting("postgresql", standing.ingest.url) as load:
        await load.accepted(20)
        await standing.deployment.postgres.stop()
        await load.accepted(60)
        lookup = httpx.AsyncClient(
            base_url=standing.api.url, timeout=LONGEST_REQUEST_SECONDS, trust_env=False
        )
        async with lookup as client:
            refused = await client.post("/v1/customers/lookup", json={"type": "member", "value": "M1"})
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert (await standing.ingest.get("/readyz")).status_code == 200  # type: ignore[union-attr]
        await asyncio.gather(*(each.not_ready() for each in (standing.api, *standing.workers)))
        await standing.deployment.postgres.start()
        await load.accepted(20)
    assert {each.status for each in load.answers} == {202}
    assert await load.missing_or_repeated(standing.api.url) == (set(), set())
    await asyncio.gather(*(each.ready() for each in (standing.api, *standing.workers)))
