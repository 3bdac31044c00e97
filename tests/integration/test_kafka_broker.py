"""The broker that the other Kafka tests lean on."""

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.kafka_broker import TOPIC_PARTITIONS

pytestmark = pytest.mark.kafka


async def test_a_new_topic_has_its_partitions_and_no_records(kafka_bootstrap: str, kafka_topic: str) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap) as consumer:
        partitions = [TopicPartition(kafka_topic, number) for number in range(TOPIC_PARTITIONS)]
        ends = await consumer.end_offsets(partitions)
    assert ends == dict.fromkeys(partitions, 0)
