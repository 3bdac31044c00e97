"""The metrics of two processes as one text in which every family is told once, by the process that observes it."""

import asyncio
from pathlib import Path

from prometheus_client import generate_latest

from services.ops.joined_metrics import JoinedMetrics, joined
from tests.scraped import Process, observed, samples


def test_each_family_comes_once_from_the_process_that_observes_it() -> None:
    serving, projecting = observed()
    found = samples(
        joined(generate_latest(serving.registry).decode(), generate_latest(projecting.registry).decode())
    )
    assert found["rapport_ingest_events_total[('code', ''), ('outcome', 'accepted')]"] == 5
    assert found["rapport_projection_partitions"] == 4
    assert found["rapport_projection_lag_events[('partition', '0'), ('view', 'timeline')]"] == 3
    assert found["rapport_projection_process_up"] == 1


def test_what_projections_observe_is_absent_while_their_process_is_down(tmp_path: Path) -> None:
    serving, _ = observed()
    found = samples(asyncio.run(JoinedMetrics(serving, Process(None), tmp_path).text()).decode())
    assert found["rapport_projection_process_up"] == 0
    assert "rapport_projection_process_restarts_total" in found
    assert not any(
        name.startswith(("rapport_projection_partitions", "rapport_projection_log")) for name in found
    )
