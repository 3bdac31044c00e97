"""The topic behind the log: how it is made, and what a reader is told when it changes behind its position."""

import asyncio
import uuid

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from prometheus_client import CollectorRegistry

from shared.log.kafka import KafkaLog
from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_topic import TopicExistsError, TopicUnusableError, create_topic
from shared.log.port import (
    Appended,
    Bounds,
    LogReader,
    LogTruncatedError,
    LogUnavailableError,
    NewRecord,
    StoredRecord,
)
from shared.metrics import Metrics
from tests.kafka_broker import KafkaThroughProxy

pytestmark = pytest.mark.kafka


def new_connection(bootstrap: str) -> KafkaConnection:
    return KafkaConnection(bootstrap, f"events-{uuid.uuid4().hex[:8]}")


def log_on(connection: KafkaConnection) -> KafkaLog:
    return KafkaLog(connection, Metrics(CollectorRegistry()))


async def first_record(reader: LogReader) -> StoredRecord:
    async with asyncio.timeout(20):
        while not (found := await reader.poll(10, 0.5)):
            pass
    return found[0]


async def append(connection: KafkaConnection, count: int) -> None:
    async with log_on(connection).writer() as writer:
        outcomes = await writer.append([NewRecord(b"key", b"value")] * count)
    assert all(isinstance(outcome, Appended) for outcome in outcomes)


async def delete_topic(connection: KafkaConnection) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=connection.bootstrap)
    await admin.start()
    await admin.delete_topics([connection.topic])
    async with asyncio.timeout(20):
        while connection.topic in await admin.list_topics():
            pass
    await admin.close()


async def test_a_new_topic_has_the_partitions_asked_for_and_takes_large_events(kafka_bootstrap: str) -> None:
    made = await create_topic(
        new_connection(kafka_bootstrap), partitions=7, replication_factor=1, min_in_sync=1
    )
    assert made.partitions == 7
    assert made.max_message_bytes >= 2 * 1024 * 1024
    assert made.unwritable == ()


async def test_a_topic_that_exists_is_left_alone(kafka_bootstrap: str) -> None:
    connection = new_connection(kafka_bootstrap)
    await create_topic(connection, partitions=1, replication_factor=1, min_in_sync=1)
    with pytest.raises(TopicExistsError):
        await create_topic(connection, partitions=2, replication_factor=1, min_in_sync=1)


async def test_more_copies_than_brokers_is_refused_with_the_brokers_reason(kafka_bootstrap: str) -> None:
    with pytest.raises(TopicUnusableError, match="replication factor"):
        await create_topic(new_connection(kafka_bootstrap), partitions=1, replication_factor=3, min_in_sync=2)


async def test_a_topic_with_too_few_copies_in_step_is_not_writable(kafka_bootstrap: str) -> None:
    connection = new_connection(kafka_bootstrap)
    async with log_on(connection).writer() as writer:
        with pytest.raises(TimeoutError):
            await create_topic(
                connection, partitions=1, replication_factor=1, min_in_sync=2, timeout_seconds=2
            )
        with pytest.raises(LogUnavailableError, match="copies in step"):
            await writer.check_writable()


async def test_a_reader_of_a_missing_topic_is_told_how_to_make_it(kafka_bootstrap: str) -> None:
    async with log_on(new_connection(kafka_bootstrap)).reader() as reader:
        with pytest.raises(LogUnavailableError, match="rapport topics create"):
            await reader.identity()


async def test_records_deleted_before_the_reader_got_there_are_named(
    kafka_through_proxy: KafkaThroughProxy,
) -> None:
    beside = new_connection(kafka_through_proxy.broker.bootstrap)
    await create_topic(beside, partitions=1, replication_factor=1, min_in_sync=1)
    await append(beside, 5)
    async with log_on(KafkaConnection(kafka_through_proxy.bootstrap, beside.topic)).reader() as reader:
        await reader.seek({0: 5})
        kafka_through_proxy.proxy.cut()
        await append(beside, 5)
        admin = AIOKafkaAdminClient(bootstrap_servers=beside.bootstrap)
        await admin.start()
        await admin.delete_records({TopicPartition(beside.topic, 0): RecordsToDelete(before_offset=8)})
        await admin.close()
        kafka_through_proxy.proxy.heal()
        with pytest.raises(LogTruncatedError) as raised:
            await first_record(reader)
    assert (raised.value.position, raised.value.bounds) == (5, Bounds(8, 10))


async def test_no_record_of_a_topic_made_again_under_the_same_name_is_taken_for_one_of_the_first(
    kafka_bootstrap: str,
) -> None:
    connection = new_connection(kafka_bootstrap)
    await create_topic(connection, partitions=1, replication_factor=1, min_in_sync=1)
    async with log_on(connection).reader() as reader:
        await reader.seek({0: 0})
        await delete_topic(connection)
        await create_topic(connection, partitions=1, replication_factor=1, min_in_sync=1)
        await append(connection, 50)
        with pytest.raises(LogTruncatedError):
            await first_record(reader)
