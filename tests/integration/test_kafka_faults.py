"""What appends to Kafka live through: a broker killed, frozen, or one that refuses a batch for good."""

import asyncio
import uuid

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client import CollectorRegistry

from deploy.kafka.broker import KafkaBroker
from shared.log.append_buffer import AppendBounds
from shared.log.kafka import KafkaLog
from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_topic import create_topic
from shared.log.partitioning import partition_of
from shared.log.port import Appended, AppendOutcome, LogUnavailableError, LogWriter, NewRecord
from shared.metrics import Metrics
from tests.integration.append_load import AppendLoad, assert_kept, everything_in

pytestmark = pytest.mark.kafka

PARTITIONS = 4
LONGEST_APPEND_SECONDS = 5
RESUME_SECONDS = 5


@pytest.fixture
async def connection(own_kafka: KafkaBroker) -> KafkaConnection:
    connection = KafkaConnection(own_kafka.bootstrap, f"events-{uuid.uuid4().hex[:8]}")
    await create_topic(connection, partitions=PARTITIONS, replication_factor=1, min_in_sync=1)
    return connection


@pytest.fixture
def log(connection: KafkaConnection) -> KafkaLog:
    return KafkaLog(connection, Metrics(CollectorRegistry()))


async def test_a_broker_killed_under_load_loses_and_doubles_nothing_acknowledged(
    own_kafka: KafkaBroker, log: KafkaLog
) -> None:
    async with log.writer() as writer:
        load = AppendLoad(writer)
        load.start()
        await load.acknowledgements(2000, 20)
        await asyncio.to_thread(own_kafka.kill)
        await asyncio.to_thread(own_kafka.start)
        resumed_after = await load.acknowledgements(200, 30)
        await load.stop()
    assert resumed_after < RESUME_SECONDS
    assert load.longest_seconds < LONGEST_APPEND_SECONDS
    assert_kept(load, await everything_in(log))


async def test_a_broker_frozen_for_20_seconds_keeps_nobody_waiting_longer_than_5(
    own_kafka: KafkaBroker, log: KafkaLog
) -> None:
    async with log.writer() as writer:
        load = AppendLoad(writer)
        load.start()
        await load.acknowledgements(2000, 20)
        own_kafka.suspend()
        try:
            await asyncio.sleep(20)
        finally:
            own_kafka.resume()
        resumed_after = await load.acknowledgements(200, 30)
        await load.stop()
    assert resumed_after < RESUME_SECONDS
    assert load.longest_seconds < LONGEST_APPEND_SECONDS
    assert load.refused
    assert_kept(load, await everything_in(log))


async def set_largest_message(connection: KafkaConnection, size_bytes: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=connection.bootstrap)
    await admin.start()
    await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, connection.topic, {"max.message.bytes": str(size_bytes)})]
    )
    await admin.close()


def key_of(partition: int) -> bytes:
    return next(
        key
        for number in range(1000)
        if partition_of(key := f"key-{number}".encode(), PARTITIONS) == partition
    )


async def outcome_once_the_broker_heeds_its_limit(writer: LogWriter, record: NewRecord) -> AppendOutcome:
    async with asyncio.timeout(10):
        while isinstance(outcome := (await writer.append([record]))[0], Appended):
            await asyncio.sleep(0)
    return outcome


async def test_a_batch_refused_for_good_fails_alone_and_poisons_nothing(
    connection: KafkaConnection, log: KafkaLog
) -> None:
    incompressible = b"".join(uuid.uuid4().bytes for _ in range(1000))
    large, small = NewRecord(key_of(0), incompressible), NewRecord(key_of(0), b"small")
    async with log.writer() as writer:
        assert all(isinstance(outcome, Appended) for outcome in await writer.append([large, small]))
        load = AppendLoad(writer, keys=tuple(key_of(partition).decode() for partition in (1, 2, 3)))
        load.start()
        await set_largest_message(connection, 4096)
        refused = await outcome_once_the_broker_heeds_its_limit(writer, large)
        assert isinstance(refused, LogUnavailableError), "the writer still believes the old limit"
        assert not refused.maybe_written
        [outcome] = await writer.append([small])
        assert isinstance(outcome, Appended), "a small record to the same partition is taken again at once"
        await set_largest_message(connection, 1024 * 1024)
        async with asyncio.timeout(30):
            while not isinstance((await writer.append([large]))[0], Appended):
                await asyncio.sleep(0.1)
        await load.acknowledgements(50, 10)
        await load.stop()
    assert not load.refused
    assert_kept(load, await everything_in(log))


async def test_a_topic_made_while_the_writer_waits_is_found(own_kafka: KafkaBroker) -> None:
    connection = KafkaConnection(own_kafka.bootstrap, "late")
    async with KafkaLog(
        connection, Metrics(CollectorRegistry()), bounds=AppendBounds(timeout_seconds=1)
    ).writer() as writer:
        [outcome] = await writer.append([NewRecord(b"key", b"value")])
        assert isinstance(outcome, LogUnavailableError)
        assert "rapport topics create" in outcome.reason
        await create_topic(connection, partitions=1, replication_factor=1, min_in_sync=1)
        async with asyncio.timeout(20):
            while not isinstance((await writer.append([NewRecord(b"key", b"value")]))[0], Appended):
                await asyncio.sleep(0.05)
