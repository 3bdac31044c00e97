"""Batches as the writer makes them, read back as any client would."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import CollectorRegistry

from shared.log.kafka import KafkaLog
from shared.log.kafka_connection import KafkaConnection
from shared.log.port import Appended, NewRecord
from shared.metrics import Metrics

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("count", [1, 40, 4000])
async def test_small_and_large_batches_are_read_back_alike(
    kafka_bootstrap: str, kafka_topic: str, count: int
) -> None:
    log = KafkaLog(KafkaConnection(kafka_bootstrap, kafka_topic), Metrics(CollectorRegistry()))
    records = [
        NewRecord(b"key", b'{"number":%d,"text":"%s"}' % (number, b"x" * 400)) for number in range(count)
    ]

    async with log.writer() as writer, asyncio.timeout(20):
        while not isinstance((first := (await writer.append(records))[0]), Appended):
            await asyncio.sleep(0.05)

    partition = TopicPartition(kafka_topic, first.partition)
    async with AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap) as consumer:
        consumer.assign([partition])
        consumer.seek(partition, first.offset)
        async with asyncio.timeout(20):
            found = [(await consumer.getone()).value for _ in range(count)]
    assert found == [record.value for record in records]
