# mypy: disable-error-code="no-untyped-call"
# aiokafka annotates little; what leaves this module is annotated.
"""Topics of a run: made for one contender, counted to see what really arrived, deleted afterwards."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.bench.environment import PARTITIONS


@asynccontextmanager
async def topic(bootstrap: str, purpose: str) -> AsyncIterator[str]:
    """A new topic with `PARTITIONS` partitions, deleted afterwards."""
    name = f"bench-{purpose}-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
        try:
            yield name
        finally:
            await admin.delete_topics([name])
    finally:
        await admin.close()


async def records_in(bootstrap: str, topic_name: str) -> int:
    """How many records the topic has taken so far."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic_name, partition) for partition in range(PARTITIONS)]
        return sum((await consumer.end_offsets(partitions)).values())
    finally:
        await consumer.stop()
