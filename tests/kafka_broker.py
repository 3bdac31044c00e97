"""Fixtures with a real Kafka: RAPPORT_TEST_KAFKA's broker, else our own, else the test is skipped loudly."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.kafka.broker import BrokerError, KafkaBroker, Listener, fetch_jars, free_loopback_port
from tests.fakes.tcp_proxy import TcpProxy, tcp_proxy

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


@dataclass(frozen=True)
class KafkaThroughProxy:
    """A broker whose clients come by way of a proxy when they begin there, and beside it at `broker.bootstrap`."""

    broker: KafkaBroker
    proxy: TcpProxy

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.proxy.port}"


@pytest.fixture(scope="session")
def proxied_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that sends clients of its second listener to the port of a proxy, once there is one."""
    jars_or_skip()
    listener = Listener(port=free_loopback_port(), advertised_port=free_loopback_port())
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"), free_loopback_port(), proxied=listener)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
async def kafka_through_proxy(proxied_kafka: KafkaBroker) -> AsyncIterator[KafkaThroughProxy]:
    """A broker behind a proxy that a test may black-hole, cut and heal; both pass again for the next test."""
    listener = proxied_kafka.proxied
    assert listener is not None
    async with tcp_proxy(("127.0.0.1", listener.port), listener.advertised_port) as proxy:
        yield KafkaThroughProxy(proxied_kafka, proxy)


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
