"""The commands on views as a person runs them, each a process of its own, against one database."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from shared.log.embedded import EmbeddedLog
from shared.metrics import Metrics
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.projecting import append, event_ids, eventually, projection, purchase, reached, worker
from tests.rebuilding import rows_of, shown

EVENTS = 400
PARTITIONS = 4


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        return json.loads(self.out)


class Deployment:
    def __init__(self, database_url: str, directory: Path, connection: asyncpg.Connection) -> None:
        self.database_url = database_url
        self.connection = connection
        self.log = EmbeddedLog(database_url, Metrics(CollectorRegistry()))
        self._directory = directory

    async def begin(
        self, *arguments: str, database_url: str | None = "", **variables: str
    ) -> asyncio.subprocess.Process:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        if database_url is not None:
            environment["RAPPORT_DATABASE_URL"] = database_url or self.database_url
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.ops.main", *arguments, env=environment | variables, cwd=self._directory,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def run(
        self, *arguments: str, database_url: str | None = "", sent_in: str = "", **variables: str
    ) -> Said:
        process = await self.begin(*arguments, database_url=database_url, **variables)
        out, err = await asyncio.wait_for(process.communicate(sent_in.encode()), 90)
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())

    async def progress(self) -> int:
        done: int = await self.connection.fetchval(
            "select coalesce(sum(position - first), 0)::bigint from control.generation_positions "
            "where view = 'timeline'"
        )
        return done


@pytest.fixture
async def deployed(database_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    await empty_views(database_url, partitions=PARTITIONS)
    connection = await asyncpg.connect(database_url)
    deployment = Deployment(database_url, tmp_path, connection)
    position = await append(deployment.log, [purchase(number, f"M{number % 23}") for number in range(EVENTS)])
    async with worker(projection(database_url, deployment.log)):
        await reached(connection, position)
    yield deployment
    await connection.close()


async def test_a_rebuild_killed_and_run_again_goes_on_where_it_was(deployed: Deployment) -> None:
    killed = await deployed.begin("rebuild", "--all", "--throttle", "20", "--workers", "2", "--json")
    await eventually(partial(_beyond, deployed, 0), within_seconds=60)
    refused = await deployed.run("rebuild", "timeline", "--json")
    assert (refused.code, refused.out) == (1, "")
    assert "view timeline is busy: `rapport rebuild" in refused.err
    killed.kill()
    await killed.communicate()
    done = await deployed.progress()
    assert 0 < done < EVENTS
    again = await deployed.run("rebuild", "--all", "--workers", "2", "--json")
    assert (again.code, again.err) == (0, "")
    assert again.answer["events"] <= EVENTS - done
    assert [(view["name"], view["generation"], view["differing"]) for view in again.answer["views"]] == [
        (read_model.name, 2, 0) for read_model in READ_MODELS
    ]
    for read_model in READ_MODELS:
        assert await rows_of(deployed.connection, read_model, 2) == await rows_of(
            deployed.connection, read_model, 1
        )


async def _beyond(deployed: Deployment, events: int) -> bool:
    return await deployed.progress() > events


async def test_an_operator_rebuilds_switches_rolls_back_pauses_resumes_verifies_and_drops(
    deployed: Deployment,
) -> None:
    rebuilt = await deployed.run("rebuild", "timeline", "--no-switch", "--source", "journal", "--json")
    assert rebuilt.answer["views"][0]["switched"] is False
    status = (await deployed.run("status", "--json")).answer
    assert [(each["name"], each["generation"], each["state"]) for each in status["kept"]] == [
        ("timeline", 2, "ready")
    ]
    assert (await deployed.run("switch", "timeline", "2", "--json")).answer == {
        "name": "timeline",
        "generation": 2,
    }
    assert (await shown(deployed.connection))["timeline"] == (2, "live")
    assert (await deployed.run("rollback", "timeline", "--json")).answer == {
        "name": "timeline",
        "generation": 1,
    }
    assert (await deployed.run("pause", "timeline", "--json")).answer["changed"] is True
    refused = await deployed.run("verify", "timeline")
    assert (refused.code, refused.out) == (1, "")
    assert "view timeline is paused in version" in refused.err
    position = await append(deployed.log, [purchase(EVENTS)])
    async with worker(projection(deployed.database_url, deployed.log)):
        await reached(deployed.connection, position)
        status = (await deployed.run("status", "--json")).answer
        lags = {each["name"]: each["lag_events"] for each in status["views"]}
        assert lags == {each.name: int(each.name == "timeline") for each in READ_MODELS}
        assert (await deployed.run("resume", "timeline", "--json")).answer["changed"] is True
    assert len(await event_ids(deployed.connection)) == EVENTS + 1
    verified = await deployed.run("verify", "--all", "--json")
    assert verified.code == 0
    assert [(view["name"], view["differing"], view["keys"]) for view in verified.answer["views"]] == [
        (read_model.name, 0, []) for read_model in READ_MODELS
    ]
    assert (await deployed.run("drop", "timeline", "2", "--json")).answer["dropped"] == [2]


async def test_verify_fails_where_a_row_was_changed_by_hand_and_names_its_key(deployed: Deployment) -> None:
    subject = await deployed.connection.fetchval(
        "update live.customer_summary set events = events + 1 "
        "where subject = (select min(subject) from live.customer_summary) returning subject"
    )
    found = await deployed.run("verify", "customer_summary", "--json")
    assert found.code == 1
    [view] = found.answer["views"]
    assert (view["rows"], view["differing"]) == (23, 1)
    assert view["keys"][0]["how"] == "changed"
    assert view["keys"][0]["key"]["subject"] == subject
    told = await deployed.run("verify", "customer_summary")
    assert told.code == 1
    assert subject in told.out
    status = (await deployed.run("status", "--json")).answer
    kept = {each["name"]: each["verification"] for each in status["views"]}
    assert (kept["customer_summary"]["state"], kept["customer_summary"]["differing"]) == ("differing", 1)
    assert kept["customer_summary"]["generation"] == 1
    assert kept["timeline"] is None
    assert "customer_summary: 1 of 23 rows differed" in (await deployed.run("status")).out


async def test_status_says_where_everything_stands(deployed: Deployment) -> None:
    await append(deployed.log, [purchase(EVENTS + number) for number in range(3)])
    status = (await deployed.run("status", "--json")).answer
    assert sum(status["head"].values()) == EVENTS + 3
    for view, read_model in zip(
        status["views"], sorted(READ_MODELS, key=lambda each: each.name), strict=True
    ):
        assert (view["name"], view["generation"], view["version"]) == (read_model.name, 1, read_model.version)
        assert (view["state"], view["lag_events"], view["parked_keys"]) == ("live", 3, 0)
        assert view["lag_seconds"] > 0
        assert sum(view["positions"].values()) == EVENTS
    told = await deployed.run("status")
    assert "timeline" in told.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rebuild",), "name views, or --all"),
        (("rebuild", "nothing"), "there is no view nothing; there are timeline"),
        (("drop", "timeline"), "name a generation, or an age"),
        (("switch", "timeline"), "GENERATION"),
    ],
)
async def test_wrong_usage_is_said_with_exit_code_2(
    deployed: Deployment, arguments: tuple[str, ...], said: str
) -> None:
    refused = await deployed.run(*arguments)
    assert refused.code == 2
    assert said in refused.err


async def test_without_a_deployment_it_says_how_to_name_one(deployed: Deployment) -> None:
    refused = await deployed.run("status", database_url=None)
    assert (refused.code, refused.out) == (2, "")
    assert "set RAPPORT_DATABASE_URL, or start `rapport up --data rapport-data`" in refused.err


async def test_a_database_that_is_away_is_said_with_exit_code_1(deployed: Deployment, free_port: int) -> None:
    refused = await deployed.run("status", database_url=f"postgresql://nobody@127.0.0.1:{free_port}/nothing")
    assert refused.code == 1
    assert refused.err.startswith("rapport: PostgreSQL did not do it")
