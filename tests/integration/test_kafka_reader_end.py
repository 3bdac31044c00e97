"""A reader of Kafka that is left while its broker is away: it ends, and cancels nobody."""

import asyncio
import uuid
from contextlib import AsyncExitStack, suppress

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from prometheus_client import CollectorRegistry

from deploy.kafka.broker import KafkaBroker
from shared.log.kafka import KafkaLog
from shared.log.kafka_connection import KafkaConnection
from shared.log.port import LogReader, LogUnavailableError
from shared.metrics import Metrics

pytestmark = pytest.mark.kafka

READERS = 8


async def test_readers_left_while_the_broker_is_away_cancel_nobody(own_kafka: KafkaBroker) -> None:
    topic = f"events-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    log = KafkaLog(KafkaConnection(own_kafka.bootstrap, topic), Metrics(CollectorRegistry()))
    async with AsyncExitStack() as opened:
        readers = [await opened.enter_async_context(log.reader()) for _ in range(READERS)]
        for reader in readers:
            await reader.seek({0: 0})
            await reader.poll(1, 0.1)
        await asyncio.to_thread(own_kafka.kill)
        await asyncio.gather(*map(until_away, readers))


async def until_away(reader: LogReader) -> None:
    """Polls until the broker is missed."""
    with suppress(LogUnavailableError):
        while True:
            await reader.poll(1, 0.1)
