"""Rapport as its users run it, one process tree a data directory, and a sender that remembers what was acknowledged."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from services.ops.data_directory import DataDirectory, Running
from shared.position import Position

PROJECT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 120.0
_BATCH = 20
_CUSTOMERS = 4
Found = TypeVar("Found")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "services.ops.main", *arguments]


def environment() -> dict[str, str]:
    """This process's, without settings that would point the command elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env={**environment(), **variables}, cwd=PROJECT, text=True, capture_output=True,
        timeout=_PATIENCE_SECONDS * 2, check=False,
    )  # fmt: skip


def until(look: Callable[[], Found | None], what: str) -> Found:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {_PATIENCE_SECONDS:.0f} s")


@dataclass
class Up:
    """A `rapport up` that serves."""

    process: subprocess.Popen[str]
    running: Running
    data: Path

    @property
    def url(self) -> str:
        return self.running.url

    def projections(self) -> psutil.Process | None:
        """The process that projects, or None while there is none."""
        try:
            children = psutil.Process(self.process.pid).children()
            return next((each for each in children if "services.ops.projecting" in each.cmdline()), None)
        except psutil.NoSuchProcess:
            return None

    def postmaster(self) -> int | None:
        try:
            return int((self.data / "postgres" / "cluster" / "postmaster.pid").read_text().split("\n")[0])
        except (OSError, ValueError):
            return None

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(_PATIENCE_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(_PATIENCE_SECONDS)


@contextmanager
def up(data: Path, *options: str) -> Iterator[Up]:
    """Serves from `data` on a free port until left; a test may have ended it before."""
    with (data.parent / "output").open("a") as output:
        process = subprocess.Popen(
            command("up", "--data", str(data), "--port", "0", *options), env=environment(), cwd=PROJECT, text=True,
            stdout=output, stderr=output,
        )  # fmt: skip
        try:
            place = DataDirectory(data)

            def serving() -> Running | None:
                assert process.poll() is None, (data.parent / "output").read_text()[-2000:]
                return place.running()

            yield Up(process, until(serving, "serving"), data)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(_PATIENCE_SECONDS)


@dataclass
class Sender:
    """A channel system that posts batch after batch and keeps a list of its own of what was acknowledged."""

    name: str
    acknowledged: list[str] = field(default_factory=list)
    position: Position = field(default_factory=lambda: Position({}))
    sent: int = 0

    @property
    def members(self) -> list[str]:
        return [f"{self.name.upper()}{number}" for number in range(_CUSTOMERS)]

    def batch(self) -> list[dict[str, Any]]:
        """The next new events."""
        self.sent += _BATCH
        return [self._event(self.sent - _BATCH + number) for number in range(_BATCH)]

    async def post_batch(self, client: httpx.AsyncClient) -> bool:
        """Posts one batch of new events; whether it was acknowledged."""
        try:
            answer = await client.post("/v1/events", json=self.batch())
        except httpx.TransportError:
            return False
        if answer.status_code not in (202, 207):
            return False
        body = answer.json()
        self.acknowledged += [each["id"] for each in body["results"] if each["status"] == "accepted"]
        reached = Position.parse(body["position"]).offsets
        partitions = reached.keys() | self.position.offsets.keys()
        self.position = Position(
            {each: max(reached.get(each, 0), self.position.offsets.get(each, 0)) for each in partitions}
        )
        return True

    async def post_until(self, url: str, enough: Callable[[], object]) -> None:
        """Posts as fast as it is answered until `enough`; what fails is left unacknowledged, not repeated."""
        async with (
            httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as client,
            asyncio.timeout(60),
        ):
            while not enough():
                if not await self.post_batch(client):
                    await asyncio.sleep(0.02)

    async def missing_or_repeated(self, url: str) -> tuple[set[str], set[str]]:
        """Acknowledged events that are on no timeline, and events that are there more than once."""
        shown: Counter[str] = Counter()
        headers = {"Rapport-At-Least": self.position.token(), "Prefer": "wait=30"}
        async with httpx.AsyncClient(base_url=url, timeout=40, trust_env=False, headers=headers) as client:
            for member in self.members:
                shown.update(await event_ids(client, member))
        return set(self.acknowledged) - shown.keys(), {each for each, times in shown.items() if times > 1}

    def _event(self, number: int) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": f"{self.name}-{number}",
            "source": f"/test/{self.name}",
            "type": "interaction.recorded",
            "time": "2026-01-01T10:00:00+01:00",
            "channel": "web",
            "data": {
                "customer": [{"type": "member", "value": self.members[number % _CUSTOMERS]}],
                "kind": "page_view",
                "category": "other",
            },
        }


async def event_ids(client: httpx.AsyncClient, member: str) -> list[str]:
    """The ids on a member's timeline, page by page."""
    found = await _answered(
        lambda: client.post("/v1/customers/lookup", json={"type": "member", "value": member})
    )
    path = f"/v1/customers/{found.json()['customer_id']}/timeline"
    ids: list[str] = []
    parameters = {"limit": "200"}
    while True:
        page = (await _answered(lambda: client.get(path, params=parameters))).json()
        ids += [item["event_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return ids
        parameters["cursor"] = page["next_cursor"]


async def _answered(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The answer, asked for again, as `Retry-After` says, while what it needs is still coming back."""
    async with asyncio.timeout(20):
        while (answer := await ask()).status_code == httpx.codes.SERVICE_UNAVAILABLE:
            await asyncio.sleep(min(0.2, float(answer.headers["Retry-After"])))
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer
