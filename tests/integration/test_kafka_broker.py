"""The broker that the other Kafka tests lean on."""

import socket

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.kafka.broker import free_loopback_port
from tests.kafka_broker import TOPIC_PARTITIONS


@pytest.mark.kafka
async def test_a_new_topic_has_its_partitions_and_no_records(kafka_bootstrap: str, kafka_topic: str) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap) as consumer:
        partitions = [TopicPartition(kafka_topic, number) for number in range(TOPIC_PARTITIONS)]
        ends = await consumer.end_offsets(partitions)
    assert ends == dict.fromkeys(partitions, 0)


def test_a_free_port_is_none_that_the_system_gives_to_others_before_it_is_listened_on() -> None:
    given = []
    for _ in range(200):
        with socket.create_server(("127.0.0.1", 0)) as asked:
            given.append(asked.getsockname()[1])
    assert max(free_loopback_port() for _ in range(200)) < min(given)
