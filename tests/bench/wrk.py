"""Load by wrk, whose own cost is small beside that of the services it measures."""

import asyncio
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.bench.measurement import BenchError

_SUMMARY = "SUMMARY "
_FAILURES = ("refused", "cut", "late")  # by status, by the connection's end, over `_LATE_SECONDS`
_LATE_SECONDS = 10
_GRACE_SECONDS = 30
SCRIPTS = Path(__file__).parent


class Load(NamedTuple):
    """What wrk saw. `requests` counts answered requests, `bytes` their answers with headers."""

    requests: int
    seconds: float
    bytes: int
    p50_milliseconds: float
    p99_milliseconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def check_wrk() -> None:
    """Raises `BenchError` telling how to install wrk where it is missing."""
    if shutil.which("wrk") is None:
        raise BenchError(
            "wrk makes the load and is not installed: apt-get install wrk (Debian), brew install wrk"
        )


async def run_wrk(
    url: str,
    script: str,
    *,
    seconds: int,
    connections: int = 64,
    environment: Mapping[str, str] | None = None,
) -> Load:
    """Loads `url` with a Lua script of this folder from one thread.

    Raises `BenchError` when any request fails, since a contender that refuses work is not being measured.
    """
    command = (
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        f"--timeout={_LATE_SECONDS}s",
        "-s",
        str(SCRIPTS / script),
        url,
    )
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "BENCH_RUN": uuid.uuid4().hex[:12], **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), seconds + _GRACE_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _parse(said.decode(errors="replace"), url)


def _parse(said: str, url: str) -> Load:
    lines = [line for line in said.splitlines() if line.startswith(_SUMMARY)]
    if not lines:
        raise BenchError(f"wrk on {url} gave no summary: {said[-1000:].strip()}")
    summary = json.loads(lines[-1].removeprefix(_SUMMARY))
    if not summary["requests"] or any(summary[failed] for failed in _FAILURES):
        failures = ", ".join(f"{summary[failed]} {failed}" for failed in _FAILURES)
        raise BenchError(
            f"{url} answered {summary['requests']} requests of wrk; of these and others {failures}"
        )
    return Load(
        summary["requests"],
        summary["microseconds"] / 1e6,
        summary["bytes"],
        summary["p50_microseconds"] / 1e3,
        summary["p99_microseconds"] / 1e3,
    )
