"""`rapport parked` as a person runs it in a process of its own: after a fault, and after a foreign producer."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.projections.engine.verify import verify
from shared.log.choose import event_log
from shared.log.embedded import EmbeddedLog
from shared.metrics import Metrics
from shared.position import Position
from shared.settings import Settings
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.failing_views import failing_on
from tests.kafka_broker import TOPIC_PARTITIONS
from tests.projecting import append, event_ids, projection, purchase, reached, worker
from tests.rebuilding import rebuilding

FAULTY = ("timeline", "customer_summary")


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        return json.loads(self.out)


async def parked(database_url: str, *arguments: str) -> Said:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.ops.main", "parked", *arguments,
        env={**environment, "RAPPORT_DATABASE_URL": database_url, "COLUMNS": "160"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Said(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=TOPIC_PARTITIONS)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_an_operator_lists_shows_discards_and_redrives_what_a_fault_has_parked(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = EmbeddedLog(database_url, Metrics(CollectorRegistry()))
    position = await append(log, [purchase(number, f"M{number % 2}") for number in range(8)])
    faulty = tuple(
        failing_on(each, ["purchase-2", "purchase-3"]) if each.name in FAULTY else each
        for each in READ_MODELS
    )
    async with worker(projection(database_url, log, read_models=faulty)):
        await reached(connection, position)
    listed = (await parked(database_url, "list", "timeline", "--limit", "4", "--json")).answer
    assert (listed["events_total"], len(listed["events"])) == (6, 4)
    assert {(each["error"], each["keys"], each["events"]) for each in listed["groups"]} == {
        ("FoldFaultError", 2, 2), ("BehindParkedError", 2, 4),
    }  # fmt: skip
    rest = (await parked(database_url, "list", "timeline", "--after", listed["next"], "--json")).answer
    assert (len(rest["events"]), rest["next"]) == (2, None)
    shown = await parked(database_url, "show", "--event", "purchase-2", "--json")
    first = next(each for each in shown.answer["events"] if each["view"] == "timeline")
    assert (first["detail"], first["attempts"], first["state"]) == ("cannot take purchase-2", 1, "parked")
    assert first["event"]["data"]["order_id"] == "o-2"
    assert [sorted(each) for each in first["event"]["customer"]] == [["party_id", "type"]]
    assert '"M0"' not in shown.out
    place = ("timeline", str(first["partition"]), str(first["offset"]))
    for wrong, told in (
        (("discard", *place), "say why with --reason"),
        (("discard", *place, "--reason", "sent in error"), "say --yes"),
        (("discard", "timeline", "--reason", "sent in error", "--yes"), "choose what to discard"),
        (("redrive", "nonsense"), "there is no view nonsense"),
        (("show", "timeline"), "name one event"),
    ):
        said = await parked(database_url, *wrong)
        assert (said.code, said.out) == (2, "")
        assert told in said.err
    discarded = await parked(
        database_url, "discard", *place, "--reason", "sent in error", "--by", "ada", "--redrive", "--yes", "--json"
    )  # fmt: skip
    assert (discarded.code, discarded.err) == (0, "")
    assert {name: discarded.answer[name] for name in ("discarded", "by", "reason", "waiting_behind")} == {
        "discarded": 1, "by": "ada", "reason": "sent in error", "waiting_behind": 2,
    }  # fmt: skip
    assert discarded.answer["redriven"]["applied"] == 2
    for view, applied in (("timeline", 3), ("customer_summary", 6)):
        redriven = await parked(database_url, "redrive", view, "--json")
        assert (redriven.code, redriven.answer["applied"], redriven.answer["waiting"]) == (0, applied, 0)
    assert "purchase-2" not in await event_ids(connection)
    assert len(await event_ids(connection)) == 7
    assert "Nothing is parked." in (await parked(database_url, "list")).out
    kept = (await parked(database_url, "list", "--discarded", "--json")).answer["events"]
    assert [(each["event_id"], each["discarded_by"], each["reason"]) for each in kept] == [
        ("purchase-2", "ada", "sent in error")
    ]
    assert [each.differing for each in await verify(rebuilding(database_url, log))] == [0] * len(READ_MODELS)


@pytest.mark.kafka
async def test_bytes_that_a_foreign_producer_put_into_the_topic_are_parked_shown_and_discarded(
    connection: asyncpg.Connection, database_url: str, kafka_bootstrap: str, kafka_topic: str
) -> None:
    settings = Settings(
        database_url=SecretStr(database_url),
        log=f"kafka://{kafka_bootstrap}/{kafka_topic}",
        identifier_pepper=SecretStr("p" * 16),
    )
    log = event_log(settings, Metrics(CollectorRegistry()))
    position = await append(log, [purchase(number, f"M{number % 5}") for number in range(20)])
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    foreign = [
        await producer.send_and_wait(kafka_topic, value=value, key=key, partition=0)
        for key, value in ((b"\xff", b"\x1b[31m\x00garbage"), (b"pty_x", None), (b"key", b'{"id":"half'))
    ]
    await producer.stop()
    after = await append(log, [purchase(number, f"M{number % 5}") for number in range(20, 40)])
    ends = dict(position.offsets) | {0: foreign[-1].offset + 1}
    ends = {each: max(ends.get(each, 0), after.offsets.get(each, 0)) for each in {*ends, *after.offsets}}
    async with worker(projection(database_url, log)):
        await reached(connection, Position(ends))
    assert len(await event_ids(connection)) == 40
    listed = await parked(database_url, "list", "--json")
    assert [(each["view"], each["error"], each["events"]) for each in listed.answer["groups"]] == [
        ("undecodable", "UndecodableRecordError", 3)
    ]
    place = ("undecodable", "0", str(foreign[0].offset))
    shown = await parked(database_url, "show", *place)
    assert r"\x1b[31m\x00garbage" in shown.out.replace(r"\\", "\\")
    assert "\x1b" not in shown.out
    redriven = await parked(database_url, "redrive", "undecodable")
    assert redriven.code == 1
    assert "0 applied, 3 failed again, 3 still parked" in redriven.out
    discarded = await parked(
        database_url, "discard", "undecodable", "--all", "--reason", "a test of theirs", "--yes"
    )
    assert (discarded.code, discarded.err) == (0, "")
    assert "Discarded 3 events of undecodable" in discarded.out
    assert (await parked(database_url, "list", "--json")).answer["groups"] == []
    async with worker(projection(database_url, log)):
        await reached(connection, await append(log, [purchase(50)]))
    assert [each.differing for each in await verify(rebuilding(database_url, log))] == [0] * len(READ_MODELS)
