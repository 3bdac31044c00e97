"""What all scenarios of a run share: its options, a scratch directory, PostgreSQL and the Kafka broker."""

import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.databases import with_database

PROJECT = Path(__file__).resolve().parents[2]
PARTITIONS = 12
PEPPER = "bench-pepper-of-no-secret"
MASTER_KEY = "YmVuY2gtbWFzdGVyLWtleS1vZi1uby1zZWNyZXQtMzI="
PYTHON = sys.executable


@dataclass(frozen=True, slots=True)
class Bench:
    """One run. `scale` shrinks every count of events for trying things out; a measurement has scale 1."""

    rounds: int
    seconds: int
    scale: float
    yardsticks: Path | None
    directory: Path
    kafka: str | None
    postgres: str
    say: Callable[[str], None]

    def count(self, full: int) -> int:
        """`full` events at scale 1, at least 1,000."""
        return max(int(full * self.scale), 1000)

    def output(self, name: str) -> Path:
        """A new file for the output of a process."""
        return self.directory / f"{name.replace(' ', '-')}-{uuid.uuid4().hex[:6]}.log"

    def process_environment(self, **added: str) -> dict[str, str]:
        """The environment of a child: this process's own without Rapport's settings, and `added`."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        return {**inherited, "PYTHONPATH": str(PROJECT), **added}


@asynccontextmanager
async def database(server: str, purpose: str, template: str | None = None) -> AsyncIterator[str]:
    """The URL of a new database, a copy of the one at the URL `template` where given; dropped afterwards.

    A checkpoint first, so that a measurement does not pay for the writes of the one before.
    """
    name = f"bench_{purpose}_{uuid.uuid4().hex[:8]}"
    connection = await asyncpg.connect(server)
    try:
        source = await _name_of(template) if template else "template1"
        await connection.execute(f"create database {name} template {source}")
        await connection.execute("checkpoint")
        try:
            yield with_database(server, name)
        finally:
            await connection.execute(f"drop database {name} with (force)")
    finally:
        await connection.close()


async def _name_of(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        name: str = await connection.fetchval("select current_database()")
        return name
    finally:
        await connection.close()
