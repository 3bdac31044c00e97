"""Every event log in turn, for the tests of the contract they all keep."""

import uuid
from collections.abc import AsyncIterator

import pytest

from tests.contract.logs_under_test import LogUnderTest, embedded, kafka, memory
from tests.kafka_broker import KafkaThroughProxy


@pytest.fixture
async def memory_log() -> AsyncIterator[LogUnderTest]:
    async with memory() as log:
        yield log


@pytest.fixture
async def embedded_log(database_url: str) -> AsyncIterator[LogUnderTest]:
    async with embedded(database_url) as log:
        yield log


@pytest.fixture
async def kafka_log(kafka_through_proxy: KafkaThroughProxy) -> AsyncIterator[LogUnderTest]:
    topic = f"events-{uuid.uuid4().hex[:12]}"
    async with kafka(kafka_through_proxy.broker, kafka_through_proxy.proxy, topic) as log:
        yield log


@pytest.fixture(params=["memory_log", "embedded_log", pytest.param("kafka_log", marks=pytest.mark.kafka)])
def under_test(request: pytest.FixtureRequest) -> LogUnderTest:
    """Not a coroutine itself: only so may pytest make the asynchronous fixture that it asks for."""
    chosen: LogUnderTest = request.getfixturevalue(request.param)
    return chosen
