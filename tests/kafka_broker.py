"""Fixtures with a real Kafka: RAPPORT_TEST_KAFKA's broker, else our own, else the test is skipped loudly."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.kafka.broker import BrokerError, KafkaBroker, fetch_jars, free_loopback_port

TOPIC_PARTITIONS = 4


def jars_or_skip() -> Path:
    """The broker's jars; without them the test is skipped, or fails where RAPPORT_REQUIRE_KAFKA=1."""
    try:
        return fetch_jars()
    except BrokerError as error:
        reason = f"NO KAFKA: set RAPPORT_TEST_KAFKA=HOST:PORT, or make this work: {error}"
        if os.environ.get("RAPPORT_REQUIRE_KAFKA") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of a broker that every test shares: nobody breaks this one."""
    given = os.environ.get("RAPPORT_TEST_KAFKA")
    if given:
        yield given
        return
    jars_or_skip()
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"), free_loopback_port())
    broker.start()
    yield broker.bootstrap
    broker.stop()


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaBroker]:
    """A running broker for one test, which may kill, freeze and restart it."""
    jars_or_skip()
    broker = KafkaBroker(tmp_path / "kafka", free_loopback_port())
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
async def kafka_topic(kafka_bootstrap: str) -> AsyncIterator[str]:
    """A new topic of `TOPIC_PARTITIONS` partitions, deleted afterwards."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    name = f"events-{uuid.uuid4().hex[:12]}"
    await admin.create_topics([NewTopic(name, TOPIC_PARTITIONS, 1)])
    yield name
    await admin.delete_topics([name])
    await admin.close()
