"""`rapport up` keeps what it acknowledged: through Ctrl-C, kill -9, and the death of each of its parts under load."""

import asyncio
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.running import Sender, Up, run, until, up
from tests.redeeming import ACCOUNTS, grant


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One `rapport up` for the tests that leave it serving."""
    with up(tmp_path_factory.mktemp("serving") / "data") as running:
        yield running


async def test_after_ctrl_c_it_starts_again_with_everything_in_it(tmp_path: Path) -> None:
    sender = Sender("kept")
    with up(tmp_path / "data") as first:
        await sender.post_until(first.url, lambda: len(sender.acknowledged) >= 100)
        assert await sender.missing_or_repeated(first.url) == (set(), set())
        secret = (tmp_path / "data" / "identifier-pepper").stat()

        assert first.interrupt() == 0

    assert secret.st_mode & 0o777 == 0o600
    assert not (tmp_path / "data" / "run.json").exists()
    assert first.postmaster() is None
    with up(tmp_path / "data") as second:
        assert await sender.missing_or_repeated(second.url) == (set(), set())


async def test_kill_9_amid_posts_loses_nothing_acknowledged_and_repeats_nothing(tmp_path: Path) -> None:
    sender = Sender("killed")
    with up(tmp_path / "data") as first:
        projections = until(first.projections, "a projection process")
        posting = asyncio.create_task(sender.post_until(first.url, lambda: first.process.poll() is not None))
        async with asyncio.timeout(30):
            while len(sender.acknowledged) < 1000:
                await asyncio.sleep(0.01)

        first.kill()
        await posting
        until(lambda: not projections.is_running(), "the end of the projection process")

    assert (tmp_path / "data" / "run.json").exists()
    with up(tmp_path / "data") as second:
        assert len(sender.acknowledged) >= 1000
        assert await sender.missing_or_repeated(second.url) == (set(), set())


async def test_a_projection_process_killed_amid_events_is_started_again_where_it_was(serving: Up) -> None:
    sender = Sender("projected")
    before = until(serving.projections, "a projection process").pid
    posting = asyncio.create_task(sender.post_until(serving.url, lambda: len(sender.acknowledged) >= 2000))
    async with asyncio.timeout(30):
        while len(sender.acknowledged) < 500:
            await asyncio.sleep(0.01)

    os.kill(before, signal.SIGKILL)
    await posting

    assert await sender.missing_or_repeated(serving.url) == (set(), set())
    assert until(serving.projections, "a new projection process").pid != before


async def test_points_are_redeemed_by_the_same_port_as_events_are_posted_to(serving: Up) -> None:
    async with httpx.AsyncClient(base_url=serving.url, timeout=40, trust_env=False) as client:
        assert (await client.post("/v1/events", json=grant(100))).status_code == 202
        wish = {"points": 60, "reward": "mug"}
        answers = [
            await client.post(
                f"{ACCOUNTS}/M1/redemptions", json=wish, headers={"idempotency-key": key, "prefer": "wait=30"}
            )
            for key in ("k", "k", "l")
        ]
    assert [each.status_code for each in answers] == [201, 201, 409]
    assert [each.json()["available"] for each in answers] == [40, 40, 40]


async def test_a_postgresql_that_goes_down_under_load_is_started_again_and_misses_nothing(
    serving: Up,
) -> None:
    sender = Sender("database")
    before = serving.postmaster()
    assert before is not None
    enough = asyncio.Event()
    posting = asyncio.create_task(sender.post_until(serving.url, enough.is_set))
    async with asyncio.timeout(60):
        while len(sender.acknowledged) < 300:
            await asyncio.sleep(0.01)

        os.kill(before, signal.SIGINT)  # PostgreSQL's fast shutdown
        while serving.postmaster() in (before, None):
            await asyncio.sleep(0.01)
        acknowledged = len(sender.acknowledged)
        while len(sender.acknowledged) < acknowledged + 300:
            await asyncio.sleep(0.01)
    enough.set()
    await posting

    assert await sender.missing_or_repeated(serving.url) == (set(), set())


def test_a_second_one_on_the_same_directory_is_refused_with_the_firsts_address(serving: Up) -> None:
    refused = run("up", "--data", str(serving.data), "--port", "0")

    assert refused.returncode == 1
    assert str(serving.process.pid) in refused.stderr
    assert serving.url in refused.stderr


def test_a_port_in_use_is_told_before_anything_is_started(serving: Up, tmp_path: Path) -> None:
    refused = run("up", "--data", str(tmp_path / "other"), "--port", serving.url.rpartition(":")[2])

    assert refused.returncode == 1
    assert "choose another --host or --port" in refused.stderr
    assert not (tmp_path / "other" / "postgres").exists()


def test_migrate_finds_the_database_of_the_one_that_runs(serving: Up) -> None:
    assert run("migrate", "--data", str(serving.data)).returncode == 0


def test_one_address_serves_both_sides_their_health_and_one_description(serving: Up) -> None:
    with httpx.Client(base_url=serving.url, trust_env=False) as client:
        paths = client.get("/openapi.json").json()["paths"]
        ready = client.get("/readyz").json()
        metrics = client.get("/metrics").text

        assert {"/v1/events", "/v1/customers/lookup", "/v1/customers/{id}/timeline"} <= paths.keys()
        assert {"event log", "database", "projections"} <= ready["checks"].keys()
        assert "rapport_ingest_request_seconds" in metrics
        assert "rapport_api_request_seconds" in metrics
        assert client.get("/asyncapi.json").status_code == 200
        page = client.get("/docs").text
        parts = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert parts
        assert all(part.startswith("/") and client.get(part).status_code == 200 for part in parts)


async def test_its_metrics_hold_those_of_the_process_that_projects_and_say_when_that_does_not_answer(
    serving: Up,
) -> None:
    def scraped() -> dict[str, float]:
        """Every sample, those of one name added up."""
        found: dict[str, float] = {}
        text = httpx.get(f"{serving.url}/metrics", trust_env=False).text
        families = [family.name for family in text_string_to_metric_families(text)]
        assert len(set(families)) == len(families)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0) + sample.value
        return found

    def caught_up() -> bool:
        told = scraped()
        return told["rapport_projection_process_up"] == 1 and told.get("rapport_projection_lag_events") == 0

    sender = Sender("measured")
    until(caught_up, "metrics of views at the end of the log")
    projections = until(serving.projections, "a projection process")
    restarts = scraped()["rapport_projection_process_restarts_total"]
    projections.suspend()
    await sender.post_until(serving.url, lambda: len(sender.acknowledged) >= 100)
    frozen = scraped()
    assert frozen["rapport_projection_process_up"] == 0
    assert "rapport_projection_lag_events" not in frozen
    assert frozen["rapport_ingest_events_total"] >= 100

    projections.kill()

    until(caught_up, "metrics of a new projection process that has applied everything")
    assert scraped()["rapport_projection_process_restarts_total"] == restarts + 1
    assert await sender.missing_or_repeated(serving.url) == (set(), set())


def test_stopping_takes_seconds_and_leaves_no_process(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        tree = psutil.Process(running.process.pid).children(recursive=True)

        assert running.interrupt() == 0

    assert [each for each in tree if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []


async def test_customers_are_scored_by_a_command_beside_what_serves(serving: Up) -> None:
    sender = Sender("scored")
    await sender.post_until(serving.url, lambda: len(sender.acknowledged) >= 100)
    assert await sender.missing_or_repeated(serving.url) == (set(), set())
    outcome = await asyncio.to_thread(run, "score", "--json", "--data", str(serving.data))
    assert outcome.returncode == 0, outcome.stderr
    made = json.loads(outcome.stdout)
    async with httpx.AsyncClient(base_url=serving.url, timeout=40, trust_env=False) as client:
        at_least = {"rapport-at-least": made["position"], "prefer": "wait=30"}
        answer = await client.get(f"/v1/analytics/runs/{made['run_id']}", headers=at_least)
    assert answer.status_code == 200, answer.text
    assert answer.json()["customers"] == made["customers"]
