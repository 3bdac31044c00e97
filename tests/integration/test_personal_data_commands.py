"""`rapport export`, `erase`, `verify-erasure` and `master-key rotate` as a person runs them, processes of their own."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from shared.identifiers import customer_id_of
from shared.log.embedded import EmbeddedLog
from shared.metrics import Metrics
from shared.personal_data.master_keys import MasterKeys
from tests.databases import empty_views
from tests.ingest_door import PARTY_IDS, contact
from tests.integration.test_erasure import ingest, sent
from tests.integration.test_view_commands import Deployment
from tests.projecting import projection, reached, worker

M17 = PARTY_IDS.of("member", "M17")
CUSTOMER = customer_id_of(M17)
OLD = base64.b64encode(bytes(32)).decode()
NEW = base64.b64encode(bytes([1] * 32)).decode()


@pytest.fixture
async def deployed(database_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    """A deployment that follows its log, with a contact of M17."""
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    log = EmbeddedLog(database_url, Metrics(CollectorRegistry()))
    async with worker(projection(database_url, log)):
        async with ingest(database_url, log) as client:
            await reached(connection, await sent(client, contact("c-1")))
        yield Deployment(database_url, tmp_path, connection)
    await connection.close()


async def test_a_customer_is_exported_erased_and_looked_for(deployed: Deployment) -> None:
    await deployed.connection.execute(
        "insert into control.access_records (recorded_at, reader, subject, purpose, categories, call) "
        "values (now(), 'key:1', $1, 'care', '{identity}', 'card')",
        CUSTOMER,
    )
    exported = await deployed.run("export", "--customer", CUSTOMER, RAPPORT_MASTER_KEY=OLD)
    assert exported.code == 0, exported.err
    lines = [json.loads(line) for line in exported.out.splitlines()]
    assert lines[0] == {"kind": "customer", "customer_id": CUSTOMER, "parties": [M17]}
    [event] = [line for line in lines if line["kind"] == "event"]
    assert event["data"]["summary"] == "asked for a quiet table"
    assert {"row", "key", "read"} <= {line["kind"] for line in lines}

    erased = await deployed.run("erase", "--customer", CUSTOMER, "--request", "R-7", "--json")
    assert erased.code == 0, erased.err
    receipt = erased.answer
    assert (receipt["customer_id"], receipt["keys_destroyed"], receipt["in_views"]) == (CUSTOMER, 1, True)
    again = await deployed.run("erase", "--customer", CUSTOMER, "--request", "R-7")
    assert (again.code, "1 keys destroyed" in " ".join(again.out.split())) == (0, True), again.out

    nowhere = await deployed.run("verify-erasure", "--json", sent_in="asked for a quiet table\n\n")
    assert (nowhere.code, nowhere.answer["found"]) == (0, []), nowhere.err
    somewhere = await deployed.run("verify-erasure", sent_in="quiet table\ninteraction.recorded\n")
    assert somewhere.code == 1
    assert "Found in table control.journal, column type: 1" in somewhere.out
    assert "Found in event log" in somewhere.out
    assert "quiet table" not in somewhere.out


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (("erase", "--customer", "nobody", "--request", "R"), 2, "--customer: not a customer or party id"),
        (("erase", "--customer", f"pty_{'a' * 26}", "--request", "R"), 1, "no event named"),
        (("export", "--customer", CUSTOMER), 2, "RAPPORT_MASTER_KEY is not set"),
        (("verify-erasure",), 2, "on standard input"),
        (("master-key", "rotate"), 2, "RAPPORT_MASTER_KEY is not set"),
    ],
)
async def test_what_cannot_be_done_is_told(
    deployed: Deployment, command: tuple[str, ...], code: int, told: str
) -> None:
    ended = await deployed.run(*command)
    assert (ended.code, told in ended.err) == (code, True), ended.err


async def test_the_master_key_is_rotated_and_what_it_cannot_unwrap_is_told(deployed: Deployment) -> None:
    alone = await deployed.run("master-key", "rotate", RAPPORT_MASTER_KEY=NEW)
    assert (alone.code, "RAPPORT_PREVIOUS_MASTER_KEY" in alone.out) == (1, True), alone.err
    rotated = await deployed.run(
        "master-key", "rotate", "--json", RAPPORT_MASTER_KEY=NEW, RAPPORT_PREVIOUS_MASTER_KEY=OLD
    )
    wanted = {"master_key_id": MasterKeys(bytes([1] * 32)).current_id, "wrapped": 1, "left": 0}
    assert (rotated.code, rotated.answer) == (0, wanted), rotated.err
    exported = await deployed.run("export", "--customer", CUSTOMER, RAPPORT_MASTER_KEY=NEW)
    assert "asked for a quiet table" in exported.out
