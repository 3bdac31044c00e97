"""A complaint that nobody answers rises by itself in `rapport up`, and once for each clock, whoever else looks."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.running import PROJECT, Up, command, environment, run, until, up

FIRST, SECOND = "sla:C-1:first_response:1", "sla:C-1:resolution:1"


def opened(days_ago: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "opened",
        "source": "/crm",
        "type": "complaint.opened",
        "time": (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(),
        "channel": "phone",
        "data": {
            "complaint_id": "C-1",
            "customer": [{"type": "member", "value": "M1"}],
            "summary": "cold soup",
            "cause": "quality_below_expectation",
            "severity": "normal",
        },
    }


def escalations(address: str) -> list[str]:
    """The escalations in the complaint's history that had an effect."""
    answer = httpx.get(f"{address}/v1/complaints/C-1", trust_env=False)
    history = answer.json()["history"] if answer.status_code == httpx.codes.OK else []
    return [
        each["event_id"]
        for each in history
        if each["type"] == "complaint.escalated" and each["anomaly"] is None
    ]


@contextmanager
def scheduler(variables: dict[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A `rapport escalate` beside it, which has answered that it is ready."""
    process = subprocess.Popen(
        command("escalate", "--port", str(port)), env={**environment(), **variables}, cwd=PROJECT
    )
    try:
        until(lambda: is_ready(port), "the scheduler to be ready")
        yield process
    finally:
        process.terminate()
        process.wait(20)


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def variables_of(running: Up) -> dict[str, str]:
    pepper = (running.data / "identifier-pepper").read_text().strip()
    return {"RAPPORT_DATABASE_URL": running.running.database, "RAPPORT_IDENTIFIER_PEPPER": pepper}


def test_c7_an_unanswered_complaint_rises_by_itself_once_for_each_clock_beside_other_schedulers(
    tmp_path: Path, free_port: int
) -> None:
    with up(tmp_path / "data") as running:
        variables = variables_of(running)
        with scheduler(variables, free_port) as beside:
            posted = httpx.post(f"{running.url}/v1/events", json=opened(30), trust_env=False)
            assert posted.status_code == httpx.codes.ACCEPTED, posted.text
            until(lambda: escalations(running.url) == [FIRST, SECOND], "both escalations")
            metrics = httpx.get(f"{running.url}/metrics", trust_env=False).text
            assert "rapport_escalation_events_posted_total" in metrics
            alone = httpx.get(f"http://127.0.0.1:{free_port}/metrics", trust_env=False).text
            assert "rapport_escalation_look_timestamp_seconds" in alone
        assert beside.returncode == 0
        once = run("escalate", "--once", "--json", **variables)
        assert (once.returncode, json.loads(once.stdout)) == (0, {"posted": 0}), once.stderr
        rebuilt = run("rebuild", "complaints", "--data", str(running.data))
        assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
        level = httpx.get(f"{running.url}/v1/complaints/C-1", trust_env=False).json()["level"]
        assert (escalations(running.url), level) == ([FIRST, SECOND], "headquarters")


def test_a_look_for_cron_fails_with_a_sentence_where_there_is_no_database(free_port: int) -> None:
    once = run(
        "escalate",
        "--once",
        RAPPORT_DATABASE_URL=f"postgresql://rapport@127.0.0.1:{free_port}/rapport",
        RAPPORT_IDENTIFIER_PEPPER="a pepper for tests alone",
    )
    assert once.returncode == 1
    assert once.stderr.startswith("rapport: PostgreSQL cannot be read now")
