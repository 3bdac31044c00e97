"""Every event log in turn, for the tests of the contract they all keep."""

import uuid
from collections.abc import AsyncIterator

import pytest

from tests.contract.logs_under_test import LogUnderTest, embedded, kafka, memory
from tests.kafka_broker import KafkaThroughProxy


@pytest.fixture(params=["memory", "embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def under_test(request: pytest.FixtureRequest) -> AsyncIterator[LogUnderTest]:
    if request.param == "memory":
        chosen = memory()
    elif request.param == "embedded":
        chosen = embedded(request.getfixturevalue("database_url"))
    else:
        through: KafkaThroughProxy = request.getfixturevalue("kafka_through_proxy")
        chosen = kafka(through.broker, through.proxy, f"events-{uuid.uuid4().hex[:12]}")
    async with chosen as log:
        yield log
