"""`rapport demo --once` on an empty directory, and again."""

import asyncio
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import asyncpg
import psutil
import pytest

from services.ops.embedded_postgres import EmbeddedPostgres
from tests.e2e.running import run


class Demonstrated(NamedTuple):
    """A data directory in which the demo ran to its end, and what it said."""

    data: Path
    outcome: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Demonstrated:
    """The demo's first run. Who changes something in the directory changes a copy."""
    data = tmp_path_factory.mktemp("demonstrated") / "demo"
    return Demonstrated(data, run("demo", "--once", "--data", str(data), "--port", "0"))


def test_the_demo_puts_every_purchase_on_a_timeline_once_however_often_it_runs(
    demonstrated: Demonstrated,
) -> None:
    data, first = demonstrated
    again = run("demo", "--once", "--data", str(data), "--port", "0")

    for outcome in (first, again):
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        assert "purchases on timelines" in outcome.stdout
        assert "6,919" in outcome.stdout
        assert "244,091.94" in outcome.stdout
        assert "/v1/loyalty/accounts/CD19339" in outcome.stdout
        assert re.search(r"accounts whose entries add up +2,357", outcome.stdout)
        assert re.search(r"complaints that ended as told +106", outcome.stdout)
        assert re.search(r"escalations of the breached one +1\b", outcome.stdout)
        assert "/v1/complaints/complaint-05683?as_of=1998-07-01T12:00:00Z" in outcome.stdout
        assert re.search(r"who +Mr Phileas Fogg +the same", outcome.stdout)
        assert re.search(r"address +not opened +7 Savile Row", outcome.stdout)
        assert re.search(r"cards that say what they should +5\b", outcome.stdout)
        assert re.search(r"customers scored +2,\d{3}\b", outcome.stdout)
        assert re.search(r"departing customers told once, with a reason +5\b", outcome.stdout)
        assert "right against a base of" in " ".join(outcome.stdout.split())
    assert "repeats, which changed nothing" not in first.stdout
    assert "repeats, which changed nothing" in again.stdout
    left = [
        each for each in psutil.process_iter(["cmdline"]) if str(data) in " ".join(each.info["cmdline"] or [])
    ]
    assert left == []
    assert not (data / "run.json").exists()


async def test_the_demo_fails_when_a_purchase_is_missing_a_point_too_many_or_a_complaint_other_than_told(
    demonstrated: Demonstrated, tmp_path: Path
) -> None:
    assert demonstrated.outcome.returncode == 0
    data = tmp_path / "demo"
    await asyncio.to_thread(lambda: subprocess.run(["cp", "-a", demonstrated.data, data], check=True))
    server = EmbeddedPostgres(data / "postgres")
    await server.start()
    connection = await asyncpg.connect(server.url)
    lost = (
        "(select partition, log_offset from control.journal "
        "where type = 'purchase.completed' and data ->> 'order_id' = 'order-00001')"
    )
    await connection.execute(f"delete from live.timeline where (partition, log_offset) in {lost}")  # noqa: S608
    await connection.execute(
        "update live.loyalty_entries set points = points + 1 where account_id = 'CD00004' and order_id = 'order-00001'"
    )
    await connection.execute(
        "update live.complaints set handling_fault = 'ignorance' where complaint_id = 'complaint-00353'"
    )
    await connection.execute(
        "update live.complaint_entries set level_after = 'headquarters' "
        "where complaint_id = 'complaint-05683' and type = 'complaint.escalated'"
    )
    await connection.execute("update live.profile set event_id = 'e' where attribute = 'birthday'")
    await connection.close()
    await server.stop()

    outcome = await asyncio.to_thread(run, "demo", "--once", "--data", str(data), "--port", "0")

    assert outcome.returncode == 1
    assert "expected 6,919" in outcome.stdout
    assert re.search(r"points earned .* expected 256,873", outcome.stdout)
    assert re.search(r"entries add up +2,356 +expected 2,357", outcome.stdout)
    assert re.search(r"ended as told +105 +expected 106", outcome.stdout)
    assert re.search(r"escalations of the breached one +0 +expected 1", outcome.stdout)
    assert re.search(r"cards that say what they should +2 +expected 5", outcome.stdout)
