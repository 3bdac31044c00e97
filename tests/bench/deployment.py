"""Rapport's processes as they run in a deployment: ingest, projection worker and API."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from services.projections.migrate import migrate
from shared.settings import Settings
from tests.bench.environment import MASTER_KEY, PARTITIONS, PEPPER, PROJECT, PYTHON, Bench, database
from tests.bench.kafka_topic import topic
from tests.bench.measurement import BenchError
from tests.bench.processes import Child, Ready, answers, child, free_port

COMMAND = (PYTHON, "-m", "services.ops.main")
"""Runs `rapport`, arguments to follow."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where Rapport's processes find their log and their database, which is migrated."""

    bench: Bench
    database_url: str
    log: str

    @property
    def variables(self) -> dict[str, str]:
        """The settings of every process, as environment variables; what is not named keeps its default."""
        return {
            "RAPPORT_DATABASE_URL": self.database_url,
            "RAPPORT_LOG": self.log,
            "RAPPORT_PARTITIONS": str(PARTITIONS),
            "RAPPORT_IDENTIFIER_PEPPER": PEPPER,
            "RAPPORT_MASTER_KEY": MASTER_KEY,
        }

    @property
    def settings(self) -> Settings:
        """The same settings for use within this process."""
        values = {name.removeprefix("RAPPORT_").lower(): value for name, value in self.variables.items()}
        return Settings.model_validate(values)

    @asynccontextmanager
    async def serve(self, service: str) -> AsyncIterator[tuple[Child, int]]:
        """Runs `ingest` or `api` until the context is left; answers process and port once it is ready."""
        port = free_port()
        async with self._run(service, port, answers(port, "/readyz")) as running:
            yield running, port

    @asynccontextmanager
    async def project(self) -> AsyncIterator[Child]:
        """Runs one projection worker until the context is left. It may still be starting when entered."""
        async with self._run("project", free_port(), None) as running:
            yield running

    @asynccontextmanager
    async def _run(self, service: str, port: int, ready: Ready | None) -> AsyncIterator[Child]:
        bench = self.bench
        environment = bench.process_environment(**self.variables, RAPPORT_PORT=str(port))
        async with child(
            f"rapport {service}", (*COMMAND, service), environment=environment, directory=PROJECT,
            output=bench.output(service), ready=ready,
        ) as running:  # fmt: skip
            yield running


async def positions_sum(connection: asyncpg.Connection) -> int:
    """How many records the views include, over all partitions."""
    total: int = await connection.fetchval("select coalesce(sum(position), 0)::bigint from control.positions")
    return total


@asynccontextmanager
async def on_kafka(bench: Bench, purpose: str) -> AsyncIterator[Deployment]:
    """A deployment over a new topic and a new database. Raises `BenchError` without a broker."""
    async with AsyncExitStack() as stack:
        topic_name = await stack.enter_async_context(topic(broker(bench), purpose))
        url = await stack.enter_async_context(database(bench.postgres, purpose))
        await migrate(url, PARTITIONS)
        yield Deployment(bench, url, f"kafka://{broker(bench)}/{topic_name}")


@asynccontextmanager
async def on_embedded_log(bench: Bench, purpose: str) -> AsyncIterator[Deployment]:
    """A deployment with the embedded log, in a new database."""
    async with database(bench.postgres, purpose) as url:
        await migrate(url, PARTITIONS)
        yield Deployment(bench, url, "embedded")


def broker(bench: Bench) -> str:
    """The broker's address. Raises `BenchError` where the run has none."""
    if bench.kafka is None:
        raise BenchError(
            "no Kafka broker: set RAPPORT_TEST_KAFKA=HOST:PORT, or install Java and Maven to have one started"
        )
    return bench.kafka
