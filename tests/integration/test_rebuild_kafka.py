"""Rebuilding from a Kafka topic, also one whose retention has removed the beginning."""

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.projections.engine.rebuild import RebuildRefusedError, rebuild
from services.projections.engine.verify import verify
from shared.log.choose import event_log
from shared.metrics import Metrics
from shared.settings import Settings
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.kafka_broker import TOPIC_PARTITIONS
from tests.projecting import append, event_ids, projection, purchase, reached, worker
from tests.rebuilding import rebuilding, rows_of

EVENTS = 300


@pytest.mark.kafka
async def test_views_are_rebuilt_from_a_topic_and_from_the_journal_where_it_lost_its_first_segments(
    database_url: str, kafka_bootstrap: str, kafka_topic: str
) -> None:
    settings = Settings(
        database_url=SecretStr(database_url),
        log=f"kafka://{kafka_bootstrap}/{kafka_topic}",
        identifier_pepper=SecretStr("p" * 16),
    )
    await empty_views(database_url, partitions=TOPIC_PARTITIONS)
    connection = await asyncpg.connect(database_url)
    log = event_log(settings, Metrics(CollectorRegistry()))
    events = [purchase(number % EVENTS, f"M{number % EVENTS % 23}") for number in range(EVENTS + 30)]
    position = await append(log, events)
    async with worker(projection(database_url, log)):
        await reached(connection, position)
    whole = await rebuild(rebuilding(database_url, log, source="log"))
    assert [each.comparison and each.comparison.differing for each in whole] == [0] * len(READ_MODELS)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.delete_records(
        {
            TopicPartition(kafka_topic, partition): RecordsToDelete(before_offset=end // 2)
            for partition, end in position.offsets.items()
        }
    )
    await admin.close()
    with pytest.raises(RebuildRefusedError, match="has lost the beginning"):
        await rebuild(rebuilding(database_url, log, source="log"))
    await rebuild(rebuilding(database_url, log))
    for read_model in READ_MODELS:
        assert await rows_of(connection, read_model, 3) == await rows_of(connection, read_model, 1)
    position = await append(log, [purchase(number) for number in range(EVENTS, EVENTS + 20)])
    async with worker(projection(database_url, log)):
        await reached(connection, position)
    assert len(await event_ids(connection)) == EVENTS + 20
    assert [each.differing for each in await verify(rebuilding(database_url, log))] == [0] * len(READ_MODELS)
    await connection.close()
