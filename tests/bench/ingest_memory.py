"""The most memory one ingest process holds while 200,000 events pass it into Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from tests.bench.deployment import on_kafka
from tests.bench.environment import Bench
from tests.bench.measurement import Figures, Outcome, Row, Wanted
from tests.bench.wrk import run_wrk

_EVENTS = 200_000
_MEGABYTE = 10**6
_SAMPLE_SECONDS = 0.05
_LOADS = (("one_event.lua", 1), ("batch.lua", 100))


async def measure(bench: Bench) -> Outcome:
    """Half of the events one a request, half in batches of 100, over 64 connections."""
    async with on_kafka(bench, "memory") as deployment, deployment.serve("ingest") as (ingest, port):
        process = psutil.Process(ingest.process.pid)
        at_rest = process.memory_info().rss
        passed = 0
        async with _peak_of(process) as peak:
            for script, events_a_request in _LOADS:
                enough = passed + bench.count(_EVENTS) // 2
                while passed < enough:
                    load = await run_wrk(f"http://127.0.0.1:{port}/v1/events", script, seconds=2)
                    passed += load.requests * events_a_request
    figures = Figures("rapport ingest", (peak.bytes / _MEGABYTE,))
    note = f"{passed:,} events passed; {at_rest / _MEGABYTE:.0f} MB at rest before them"
    return Outcome((Row("ingest, peak resident memory", "MB", figures, wanted=Wanted(most=200), note=note),))


class _Peak:
    """The largest resident size seen so far."""

    bytes = 0


@asynccontextmanager
async def _peak_of(process: psutil.Process) -> AsyncIterator[_Peak]:
    """Watches the resident size by samples and, where the kernel keeps it, by its own record of the peak."""
    peak = _Peak()

    async def sample() -> None:
        while True:
            peak.bytes = max(peak.bytes, process.memory_info().rss)
            await asyncio.sleep(_SAMPLE_SECONDS)

    async with asyncio.TaskGroup() as group:
        sampling = group.create_task(sample())
        try:
            yield peak
            peak.bytes = max(peak.bytes, _kernel_peak(process.pid))
        finally:
            sampling.cancel()


def _kernel_peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
