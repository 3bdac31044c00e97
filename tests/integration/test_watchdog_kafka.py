"""The watchdog on Kafka: it reads beside the workers, and survives its broker."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from deploy.kafka.broker import KafkaBroker
from services.ops.topic import ensure_topic
from services.projections.engine.watchdog import Watchdog
from shared.log.choose import event_log
from shared.metrics import Metrics
from shared.settings import Settings
from tests.databases import empty_views
from tests.kafka_broker import TOPIC_PARTITIONS
from tests.projecting import append, eventually, projection, purchase, reached, worker
from tests.strategies import RECORDED_TIME

EVENTS = 2000


@pytest.mark.kafka
async def test_lag_is_measured_on_every_partition_and_is_unknown_while_the_broker_is_down(
    database_url: str, own_kafka: KafkaBroker
) -> None:
    settings = Settings(
        database_url=SecretStr(database_url),
        log=f"kafka://{own_kafka.bootstrap}/watched",
        partitions=TOPIC_PARTITIONS,
        identifier_pepper=SecretStr("p" * 16),
    )
    await ensure_topic(settings)
    await empty_views(database_url, partitions=TOPIC_PARTITIONS)
    connection = await asyncpg.connect(database_url)
    log = event_log(settings, Metrics(CollectorRegistry()))
    registry = CollectorRegistry()
    metrics = Metrics(registry).watched
    watchdog = Watchdog(database_url, log, metrics, lambda: RECORDED_TIME + timedelta(seconds=60))

    def told(name: str) -> dict[int, float]:
        """A gauge of the timeline by partition."""
        return {
            int(sample.labels["partition"]): sample.value
            for family in registry.collect()
            if family.name == f"rapport_projection_{name}"
            for sample in family.samples
            if sample.labels["view"] == "timeline"
        }

    before = await append(log, [purchase(number, f"M{number}") for number in range(EVENTS)])
    async with worker(projection(database_url, log)):
        await reached(connection, before)
        await watchdog.look()
        assert told("lag_events") == told("lag_seconds") == dict.fromkeys(range(TOPIC_PARTITIONS), 0)

    await append(log, [purchase(number, f"M{number}") for number in range(EVENTS, 2 * EVENTS)])
    await watchdog.look()
    waiting = told("lag_events")
    assert sum(waiting.values()) == EVENTS
    assert told("lag_seconds") == dict.fromkeys(range(TOPIC_PARTITIONS), 60)

    own_kafka.kill()
    async with asyncio.timeout(60):
        await watchdog.look()
    assert told("lag_events") == told("lag_seconds") == {}
    assert registry.get_sample_value("rapport_projection_log_up") == 0

    own_kafka.start()

    async def seen_again() -> bool:
        await watchdog.look()
        return told("lag_events") == waiting

    await eventually(seen_again, within_seconds=60)
    await watchdog.close()
    await connection.close()
