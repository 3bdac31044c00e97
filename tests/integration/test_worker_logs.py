"""The worker as its main wires it, on the real logs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.projections.engine.log_identity import LogReplacedError, PositionNotInLogError
from services.projections.main import run
from shared.log.choose import event_log
from shared.log.port import EventLog
from shared.metrics import Metrics
from shared.settings import Settings
from tests.databases import empty_views
from tests.kafka_broker import TOPIC_PARTITIONS
from tests.projecting import append, event_ids, eventually, leases, purchase, reached

EVENTS = 300


class Deployment:
    """One database, one log, and any number of workers."""

    def __init__(self, settings: Settings, connection: asyncpg.Connection) -> None:
        self.settings = settings
        self.connection = connection
        self.log: EventLog = event_log(settings, Metrics(CollectorRegistry()))

    @asynccontextmanager
    async def workers(self, number: int) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(number):
                group.create_task(run(self.settings, stop))
            try:
                yield
            finally:
                stop.set()


@asynccontextmanager
async def deployment(database_url: str, log: str) -> AsyncIterator[Deployment]:
    settings = Settings(
        database_url=SecretStr(database_url),
        log=log,
        partitions=TOPIC_PARTITIONS,
        batch_events=20,
        identifier_pepper=SecretStr("p" * 16),
    )
    await empty_views(database_url, partitions=TOPIC_PARTITIONS)
    connection = await asyncpg.connect(database_url)
    yield Deployment(settings, connection)
    await connection.close()


@pytest.fixture
async def embedded(database_url: str) -> AsyncIterator[Deployment]:
    async with deployment(database_url, "embedded") as deployed:
        yield deployed


@pytest.fixture
async def kafka(database_url: str, kafka_bootstrap: str, kafka_topic: str) -> AsyncIterator[Deployment]:
    async with deployment(database_url, f"kafka://{kafka_bootstrap}/{kafka_topic}") as deployed:
        yield deployed


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def deployed(request: pytest.FixtureRequest) -> Deployment:
    chosen: Deployment = request.getfixturevalue(request.param)
    return chosen


async def test_repeats_change_nothing_across_batches_and_restarts(deployed: Deployment) -> None:
    events = [purchase(number, f"M{number % 7}") for number in range(EVENTS)]
    for delivered in (events, events[::2], events):
        position = await append(deployed.log, delivered)
        async with deployed.workers(1):
            await reached(deployed.connection, position)
    assert await event_ids(deployed.connection) == sorted(event["id"] for event in events)


async def test_workers_share_the_partitions_and_each_event_is_there_once(deployed: Deployment) -> None:
    async def shared() -> bool:
        return sorted((await leases(deployed.connection)).values()) == [1, 1, 2]

    events = [purchase(number, f"M{number}") for number in range(EVENTS)]
    await append(deployed.log, events[:100])
    async with deployed.workers(3):
        await eventually(shared)
        position = await append(deployed.log, events[100:])
        await reached(deployed.connection, position)
    assert await event_ids(deployed.connection) == sorted(event["id"] for event in events)
    assert await leases(deployed.connection) == {}


async def test_an_embedded_log_made_anew_stops_the_worker(embedded: Deployment) -> None:
    position = await append(embedded.log, [purchase(1)])
    async with embedded.workers(1):
        await reached(embedded.connection, position)
    await embedded.connection.execute("update log.identity set log_id = gen_random_uuid()")
    with pytest.raises(LogReplacedError):
        await asyncio.wait_for(run(embedded.settings, asyncio.Event()), 15)


@asynccontextmanager
async def administration(bootstrap: str) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    yield admin
    await admin.close()


async def recreate(bootstrap: str, topic: str) -> None:
    async with administration(bootstrap) as admin:
        await admin.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await admin.list_topics()

        await eventually(gone)
        await admin.create_topics([NewTopic(topic, TOPIC_PARTITIONS, 1)])


@pytest.mark.kafka
async def test_a_topic_recreated_behind_the_position_stops_the_worker(
    kafka: Deployment, kafka_bootstrap: str, kafka_topic: str
) -> None:
    position = await append(kafka.log, [purchase(number, f"M{number}") for number in range(20)])
    async with kafka.workers(1):
        await reached(kafka.connection, position)
    await recreate(kafka_bootstrap, kafka_topic)
    await append(kafka.log, [purchase(number, f"M{number}") for number in range(100, 140)])
    with pytest.raises(LogReplacedError):
        await asyncio.wait_for(run(kafka.settings, asyncio.Event()), 30)
    assert len(await event_ids(kafka.connection)) == 20


@pytest.mark.kafka
async def test_a_topic_recreated_under_a_running_worker_stops_it(
    kafka: Deployment, kafka_bootstrap: str, kafka_topic: str
) -> None:
    position = await append(kafka.log, [purchase(number, f"M{number}") for number in range(20)])
    running = asyncio.create_task(run(kafka.settings, asyncio.Event()))
    await reached(kafka.connection, position)
    await recreate(kafka_bootstrap, kafka_topic)
    with pytest.raises(LogReplacedError):
        await asyncio.wait_for(running, 30)
    assert len(await event_ids(kafka.connection)) == 20


@pytest.mark.kafka
async def test_a_topic_truncated_beyond_the_position_stops_the_worker(
    kafka: Deployment, kafka_bootstrap: str, kafka_topic: str
) -> None:
    first = await append(kafka.log, [purchase(1)])
    async with kafka.workers(1):
        await reached(kafka.connection, first)
    position = await append(kafka.log, [purchase(number) for number in range(2, 10)])
    [(partition, end)] = position.offsets.items()
    async with administration(kafka_bootstrap) as admin:
        await admin.delete_records(
            {TopicPartition(kafka_topic, partition): RecordsToDelete(before_offset=end - 1)}
        )
    with pytest.raises(PositionNotInLogError, match=f"partition {partition} holds offsets {end - 1}"):
        await asyncio.wait_for(run(kafka.settings, asyncio.Event()), 30)
    assert await event_ids(kafka.connection) == ["purchase-1"]
