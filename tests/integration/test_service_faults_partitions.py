"""One partition in trouble on a real Kafka, as those who post see it: the others go on as if nothing were."""

import asyncio
import base64
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client import CollectorRegistry

from deploy.kafka.broker import KafkaBroker
from services.ingest.main import ingest_service
from shared.identifiers import PartyIds
from shared.log.kafka import KafkaLog
from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_topic import create_topic
from shared.log.partitioning import partition_of
from shared.metrics import Metrics
from shared.personal_data.subject_keys import followed_keys
from tests.credentials import open_access
from tests.fakes.memory_key_store import MemoryKeyStore
from tests.ingest_door import purchase, settings
from tests.integration.append_load import everything_in
from tests.integration.second_broker import second_broker, topic_led_by_both
from tests.integration.test_kafka_faults import set_largest_message

pytestmark = pytest.mark.kafka

PARTITIONS = 4
AWAY_SECONDS = 20
LONGEST_REQUEST_SECONDS = 5
RESUME_SECONDS = 5
UNHARMED_SECONDS = 2
"""Less than a request to a silent broker waits, behind which nobody else may stand."""
PEPPER = settings().identifier_pepper.get_secret_value()


def member_in(partition: int) -> str:
    """A member whose events go to the partition."""
    party_ids = PartyIds(PEPPER)
    return next(
        member
        for number in range(1000)
        if partition_of(party_ids.of("member", member := f"M{number}").encode(), PARTITIONS) == partition
    )


MEMBERS = [member_in(partition) for partition in range(PARTITIONS)]


def event(event_id: str, partition: int) -> dict[str, Any]:
    return purchase(event_id, data={"customer": [{"type": "member", "value": MEMBERS[partition]}]})


def large_event(event_id: str, partition: int) -> dict[str, Any]:
    """An event of some 10 KB that do not compress."""
    customer = [{"type": "member", "value": MEMBERS[partition]}]
    body = base64.b64encode(b"".join(uuid.uuid4().bytes for _ in range(500))).decode()
    data = {"customer": customer, "kind": "message", "category": "other", "body": body}
    return {**purchase(event_id), "type": "interaction.recorded", "data": data}


@dataclass
class Lane:
    """Posts events of one partition one after the other, and notes the answers."""

    client: httpx.AsyncClient
    partition: int
    acknowledged: set[str] = field(default_factory=set)
    answers: list[tuple[httpx.Response, float, float]] = field(default_factory=list)

    async def post_until(self, enough: asyncio.Event) -> None:
        number = 0
        while not enough.is_set():
            number += 1
            event_id = f"lane-{self.partition}-{number}"
            began = time.monotonic()
            answer = await self.client.post("/v1/events", json=event(event_id, self.partition))
            self.answers.append((answer, began, time.monotonic()))
            if answer.status_code == 202:
                self.acknowledged.add(event_id)
            await asyncio.sleep(0.02)

    def statuses(self) -> set[int]:
        return {answer.status_code for answer, _, _ in self.answers}

    def longest_seconds(self) -> float:
        return max(ended - began for _, began, ended in self.answers)

    async def answered(self, status: int, moment: float, *, within_seconds: float) -> float:
        """The seconds from the moment to the first answer of this status after it."""
        async with asyncio.timeout(within_seconds):
            while True:
                for answer, _, ended in self.answers:
                    if ended > moment and answer.status_code == status:
                        return ended - moment
                await asyncio.sleep(0.01)


@asynccontextmanager
async def ingest(bootstrap: str, topic: str) -> AsyncIterator[httpx.AsyncClient]:
    """The ingest service on a topic, with the bounds and waits it has by default, once it is ready."""
    configured = settings(log=f"kafka://{bootstrap}/{topic}")
    async with (
        followed_keys(MemoryKeyStore()) as keys,
        ingest_service(configured, Metrics(CollectorRegistry()), keys=keys, access=open_access()) as service,
        httpx.AsyncClient(transport=httpx.ASGITransport(service), base_url="http://ingest") as client,
        asyncio.timeout(120),
    ):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)
        yield client


async def ids_in(bootstrap: str, topic: str) -> Counter[str]:
    """How often the log holds each event id."""
    log = KafkaLog(KafkaConnection(bootstrap, topic), Metrics(CollectorRegistry()))
    return Counter(msgspec.json.decode(each.value or b"{}")["id"] for each in await everything_in(log))


async def test_a_leader_away_for_20_seconds_harms_no_other_partition_and_is_written_again_in_time(
    own_kafka: KafkaBroker, tmp_path: Path
) -> None:
    other = second_broker(own_kafka, tmp_path / "second")
    await asyncio.to_thread(other.start)
    try:
        await topic_led_by_both(own_kafka, "events", PARTITIONS)
        async with ingest(own_kafka.bootstrap, "events") as client:
            lanes = [Lane(client, partition) for partition in range(PARTITIONS)]
            enough = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(lane.post_until(enough))
                await asyncio.gather(
                    *(lane.answered(202, time.monotonic(), within_seconds=10) for lane in lanes)
                )
                other.suspend()
                away_until = time.monotonic() + AWAY_SECONDS
                await lanes[1].answered(503, time.monotonic(), within_seconds=LONGEST_REQUEST_SECONDS * 2)
                mixed = await client.post(
                    "/v1/events", json=[event(f"mixed-{n}", n) for n in range(PARTITIONS)]
                )
                await asyncio.sleep(away_until - time.monotonic())
                other.resume()
                resumed_at = time.monotonic()
                resumed = [await lane.answered(202, resumed_at, within_seconds=30) for lane in lanes]
                enough.set()
        kept = await ids_in(own_kafka.bootstrap, "events")
    finally:
        for broker in (other, own_kafka):  # by force, for in order they would wait for each other
            await asyncio.to_thread(broker.kill)

    harmed = [lane for lane in lanes if lane.partition % 2]
    unharmed = [lane for lane in lanes if not lane.partition % 2]
    assert mixed.status_code == 207
    assert [result["status"] for result in mixed.json()["results"]] == ["accepted", "rejected"] * 2
    assert {result["error"]["code"] for result in mixed.json()["results"][1::2]} == {"log_unavailable"}
    assert all(result["error"]["retryable"] for result in mixed.json()["results"][1::2])
    assert all(lane.statuses() == {202} for lane in unharmed)
    waited_longest = {lane.partition: lane.longest_seconds() for lane in lanes}
    assert all(waited_longest[lane.partition] < UNHARMED_SECONDS for lane in unharmed), waited_longest
    for answer, _, _ in (each for lane in harmed for each in lane.answers if each[0].status_code != 202):
        assert (answer.status_code, answer.json()["code"]) == (503, "log_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert max(waited_longest.values()) < LONGEST_REQUEST_SECONDS
    assert all(seconds < RESUME_SECONDS for seconds in resumed), resumed
    assert all(kept[event_id] == 1 for lane in lanes for event_id in lane.acknowledged)


async def test_an_event_kafka_refuses_for_good_is_rejected_alone_and_taken_again_in_time(
    kafka_bootstrap: str,
) -> None:
    connection = KafkaConnection(kafka_bootstrap, f"events-{uuid.uuid4().hex[:8]}")
    await create_topic(connection, partitions=PARTITIONS, replication_factor=1, min_in_sync=1)

    def one_each(name: str) -> list[dict[str, Any]]:
        return [
            large_event(f"{name}-0", 0),
            *(event(f"{name}-{partition}", partition) for partition in range(1, PARTITIONS)),
        ]

    async with ingest(connection.bootstrap, connection.topic) as client:
        before = await client.post("/v1/events", json=one_each("before"))
        assert before.status_code == 202, before.text
        await set_largest_message(connection, 4096)
        refused = await client.post("/v1/events", json=one_each("refused"))
        small = await client.post("/v1/events", json=event("small", 0))
        await set_largest_message(connection, 1024 * 1024)
        raised_at = time.monotonic()
        async with asyncio.timeout(30):
            while (again := await client.post("/v1/events", json=one_each("again"))).status_code != 202:
                assert again.status_code == 207
                await asyncio.sleep(0.2)
        resumed_after = time.monotonic() - raised_at
    kept = await ids_in(connection.bootstrap, connection.topic)

    assert refused.status_code == 207
    assert [each["status"] for each in refused.json()["results"]] == ["rejected", *["accepted"] * 3]
    assert small.status_code == 202
    assert resumed_after < RESUME_SECONDS
    assert {f"before-{n}" for n in range(PARTITIONS)} | {"small", "again-0"} <= kept.keys()
    assert "refused-0" not in kept
