"""How the processes of a deployment end: when told to, and when the log is not the one their views are of."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from prometheus_client import CollectorRegistry

from services.ops.embedded_postgres import EmbeddedPostgres
from services.projections.migrate import migrate
from shared.log.kafka import KafkaLog
from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_topic import create_topic
from shared.metrics import Metrics
from shared.position import Position
from tests.databases import with_database
from tests.e2e.deployment import PARTITIONS, STOP_SECONDS, Deployment, ServiceProcess
from tests.e2e.posting_load import posting
from tests.e2e.running import Sender, event_ids
from tests.projecting import append, eventually, purchase, reached
from tests.projecting import event_ids as all_event_ids

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
async def prepared(servers: Deployment) -> AsyncIterator[Deployment]:
    """Kafka and PostgreSQL, in shape for services, of which none runs."""
    with servers.named("processes") as deployed:
        await deployed.prepare()
        yield deployed


async def test_services_stopped_while_nothing_they_need_is_there_exit_0_in_time(
    prepared: Deployment, tmp_path: Path, free_port: int
) -> None:
    nowhere = {
        "RAPPORT_LOG": f"kafka://127.0.0.1:{free_port}/events",
        "RAPPORT_DATABASE_URL": EmbeddedPostgres(tmp_path / "absent").url,
    }
    services = [prepared.start(service, **nowhere) for service in ("ingest", "project", "api", "escalate")]
    await asyncio.gather(*(each.alive() for each in services))
    assert_clean(await asyncio.gather(*(each.stopped() for each in services)))


async def test_services_stopped_under_load_drain_and_exit_0_in_time(prepared: Deployment) -> None:
    ingest, worker, api = (prepared.start(service) for service in ("ingest", "project", "api"))
    await asyncio.gather(*(each.ready() for each in (ingest, worker, api)))
    reading = asyncio.create_task(
        api.get("/v1/customers/cus_unknown/timeline", rapport_at_least="0:999999", prefer="wait=30")
    )
    async with posting("stopped", ingest.url) as load:
        await load.accepted(20)
        assert_clean(await asyncio.gather(*(each.stopped() for each in (ingest, worker, api))))
        stopped_at = time.monotonic()
        await load.answered(
            lambda each: each.status is None and each.began > stopped_at, 1, within_seconds=10
        )
    assert {each.status for each in load.answers} == {202, None}
    assert {each.status for each in load.answers if each.began > stopped_at} == {None}
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)

    _, api = prepared.start("project"), prepared.start("api")
    await api.ready()
    assert await load.missing_or_repeated(api.url) == (set(), set())


def assert_clean(stopped: list[tuple[int, float]]) -> None:
    assert all(code == 0 and seconds < STOP_SECONDS for code, seconds in stopped), stopped


async def test_an_id_posted_before_and_after_a_restart_of_ingest_is_on_the_timeline_once(
    prepared: Deployment,
) -> None:
    sender = Sender("repeated")
    batch, later = sender.batch(), sender.batch()
    worker, api = prepared.start("project"), prepared.start("api")
    positions = []
    for posted in (batch, [*batch, *later]):
        ingest = prepared.start("ingest")
        await ingest.ready()
        async with httpx.AsyncClient(base_url=ingest.url, timeout=10, trust_env=False) as client:
            answer = await client.post("/v1/events", json=posted)
        assert (answer.status_code, answer.json()["accepted"]) == (202, len(posted))
        positions.append(Position.parse(answer.json()["position"]))
        assert (await ingest.stopped())[0] == 0
    await asyncio.gather(worker.ready(), api.ready())

    at_least = {"rapport-at-least": positions[-1].token(), "prefer": "wait=30"}
    async with httpx.AsyncClient(base_url=api.url, timeout=40, trust_env=False, headers=at_least) as client:
        shown = [event_id for member in sender.members for event_id in await event_ids(client, member)]
    assert sorted(shown) == sorted(event["id"] for event in [*batch, *later])


@dataclass
class OwnTopic:
    """A topic and a database of one test, beside those of the deployment."""

    deployment: Deployment
    connection: KafkaConnection
    database_url: str
    database: asyncpg.Connection

    @property
    def log(self) -> KafkaLog:
        return KafkaLog(self.connection, Metrics(CollectorRegistry()))

    def start_worker(self) -> ServiceProcess:
        log = f"kafka://{self.connection.bootstrap}/{self.connection.topic}"
        return self.deployment.start("project", RAPPORT_LOG=log, RAPPORT_DATABASE_URL=self.database_url)

    async def make(self) -> None:
        await create_topic(self.connection, partitions=PARTITIONS, replication_factor=1, min_in_sync=1)

    async def delete(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.connection.bootstrap)
        await admin.start()
        await admin.delete_topics([self.connection.topic])

        async def gone() -> bool:
            return self.connection.topic not in await admin.list_topics()

        await eventually(gone)
        await admin.close()

    async def truncate(self, partition: int, first: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.connection.bootstrap)
        await admin.start()
        await admin.delete_records(
            {TopicPartition(self.connection.topic, partition): RecordsToDelete(before_offset=first)}
        )
        await admin.close()


async def own_topic(prepared: Deployment, name: str) -> OwnTopic:
    server = await asyncpg.connect(prepared.postgres.url)
    await server.execute(f"create database {name}")
    await server.close()
    url = with_database(prepared.postgres.url, name)
    await migrate(url, PARTITIONS)
    connection = KafkaConnection(prepared.kafka.bootstrap, f"{name}-{uuid.uuid4().hex[:8]}")
    made = OwnTopic(prepared, connection, url, await asyncpg.connect(url))
    await made.make()
    return made


async def deleted(topic: OwnTopic, _: Position) -> None:
    await topic.delete()


async def recreated(topic: OwnTopic, _: Position) -> None:
    await topic.delete()
    await topic.make()
    await append(topic.log, [purchase(number, f"M{number}") for number in range(100, 140)])


async def truncated(topic: OwnTopic, applied: Position) -> None:
    """Records the worker has not seen yet are deleted while it is away."""
    position = await append(topic.log, [purchase(number) for number in range(2, 10)])
    [(partition, end)] = position.offsets.items()
    assert end - 1 > applied.offsets[partition]
    await topic.truncate(partition, end - 1)


@pytest.mark.parametrize(
    ("happens", "while_running", "said"),
    [
        (deleted, True, "LogReplacedError: the views were made from log"),
        (recreated, True, "it was deleted and made again"),
        (
            truncated,
            False,
            "PositionNotInLogError: partition 0 holds offsets 8 to 8, but the next one wanted is 1",
        ),
    ],
)
async def test_a_log_that_is_another_than_its_views_stops_the_worker_with_a_reason_and_a_remedy(
    prepared: Deployment,
    happens: Callable[[OwnTopic, Position], Awaitable[None]],
    while_running: bool,  # noqa: FBT001
    said: str,
) -> None:
    topic = await own_topic(prepared, happens.__name__)
    worker = topic.start_worker()
    applied = await append(topic.log, [purchase(1)])
    await reached(topic.database, applied)
    if not while_running:
        assert (await worker.stopped())[0] == 0
    await happens(topic, applied)
    if not while_running:
        worker = topic.start_worker()

    assert await worker.ended(within_seconds=20) == 1
    last_line = worker.said().rstrip().rpartition("\n")[2]
    assert last_line.startswith("rapport: ")
    assert said in last_line
    assert "No event was skipped. Point RAPPORT_LOG at the log" in last_line
    assert "Traceback" not in worker.said()
    assert await all_event_ids(topic.database) == ["purchase-1"]
    await topic.database.close()
