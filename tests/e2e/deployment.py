"""A deployment as operations runs it: a process a service, over one Kafka and one PostgreSQL that come and go."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import asyncpg
import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.kafka.broker import KafkaBroker, Listener, free_loopback_port
from services.ops.embedded_postgres import EmbeddedPostgres
from tests.databases import with_database
from tests.e2e.running import PROJECT, command, environment, run
from tests.fakes.tcp_proxy import TcpProxy, tcp_proxy
from tests.kafka_broker import jars_or_skip

PARTITIONS = 4
PEPPER = "a-pepper-for-tests-of-deployments"
MASTER_KEY = "bWFzdGVyLWtleS1mb3ItdGVzdHMtYWxvbmUtMzJieXQ="
STOP_SECONDS = 10
LONGEST_REQUEST_SECONDS = 5
RESUME_SECONDS = 5
_PATIENCE_SECONDS = 40
Found = TypeVar("Found")


async def eventually(
    look: Callable[[], Awaitable[Found | None]], *, within_seconds: float = _PATIENCE_SECONDS
) -> Found:
    """What `look` finds, as soon as it finds something."""
    async with asyncio.timeout(within_seconds):
        while not (found := await look()):
            await asyncio.sleep(0.05)
    return found


@dataclass(frozen=True)
class ServiceProcess:
    """One service of a deployment, in a process of its own."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    async def get(self, path: str, **headers: str) -> httpx.Response | None:
        """The answer, or None while nobody listens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(base_url=self.url, timeout=40, trust_env=False) as client:
            try:
                return await client.get(path, headers=named)
            except httpx.TransportError:
                code = self.process.poll()
                assert code is None, f"{self.name} ended with {code}: {self.said()[-2000:]}"
                return None

    async def ready(self, *, within_seconds: float = _PATIENCE_SECONDS) -> None:
        await self._answers("/readyz", httpx.codes.OK, within_seconds)

    async def not_ready(self, *, within_seconds: float = _PATIENCE_SECONDS) -> httpx.Response:
        return await self._answers("/readyz", httpx.codes.SERVICE_UNAVAILABLE, within_seconds)

    async def alive(self) -> None:
        await self._answers("/healthz", httpx.codes.OK, _PATIENCE_SECONDS)

    async def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        answer = await self.get("/metrics")
        assert answer is not None
        families = text_string_to_metric_families(answer.text)
        return next(each.samples[0].value for each in families if each.name == name)

    async def stopped(self) -> tuple[int, float]:
        """The exit code after SIGTERM, and the seconds that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = await self.ended(within_seconds=STOP_SECONDS * 2)
        return code, time.monotonic() - began

    async def ended(self, *, within_seconds: float) -> int:
        """The exit code, once it ends by itself."""
        return await asyncio.to_thread(self.process.wait, within_seconds)

    async def _answers(self, path: str, status: int, within_seconds: float) -> httpx.Response:
        async def look() -> httpx.Response | None:
            answer = await self.get(path)
            return answer if answer is not None and answer.status_code == status else None

        return await eventually(look, within_seconds=within_seconds)


@dataclass
class Deployment:
    """What the processes share, and the processes. `proxy` stands between Kafka and those started for it.

    `topic` is the name of the topic, and of the database that holds what is made of it.
    """

    directory: Path
    kafka: KafkaBroker
    postgres: EmbeddedPostgres
    postgres_directory: Path
    proxy: TcpProxy
    topic: str
    processes: list[ServiceProcess] = field(default_factory=list)

    @property
    def log(self) -> str:
        return f"kafka://{self.kafka.bootstrap}/{self.topic}"

    @property
    def proxied_log(self) -> str:
        return f"kafka://127.0.0.1:{self.proxy.port}/{self.topic}"

    @property
    def database_url(self) -> str:
        return with_database(self.postgres.url, self.topic)

    def settings(self, **changed: str) -> dict[str, str]:
        """The settings of every service, as environment variables."""
        return {
            "RAPPORT_DATABASE_URL": self.database_url,
            "RAPPORT_LOG": self.log,
            "RAPPORT_PARTITIONS": str(PARTITIONS),
            "RAPPORT_IDENTIFIER_PEPPER": PEPPER,
            "RAPPORT_MASTER_KEY": MASTER_KEY,
            **changed,
        }

    def start(self, service: str, **changed: str) -> ServiceProcess:
        """Starts `rapport SERVICE` on a free port. Does not wait until it serves."""
        return self._start(service, free_loopback_port(), changed)

    def start_in_place_of(self, ended: ServiceProcess) -> ServiceProcess:
        """Starts the same service on the same port. Does not wait until it serves."""
        return self._start(ended.name, ended.port, {})

    def _start(self, service: str, port: int, changed: dict[str, str]) -> ServiceProcess:
        output = self.directory / f"{len(self.processes)}-{service}.log"
        with output.open("wb") as sink:
            process = subprocess.Popen(
                command(service), cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                env={**environment(), **self.settings(RAPPORT_PORT=str(port), **changed)},
                start_new_session=True,  # a shell that ends hangs up on groups with a stopped process
            )  # fmt: skip
        started = ServiceProcess(service, port, process, output)
        self.processes.append(started)
        return started

    async def prepare(self) -> None:
        """Sees to it that Kafka and PostgreSQL run, and runs the two commands that give them their shape."""
        if not self.kafka.is_running:
            await asyncio.to_thread(self.kafka.start)
        await self.postgres.start()
        server = await asyncpg.connect(self.postgres.url)
        await server.execute(f'create database "{self.topic}"')
        await server.close()
        commands = (("topics", "create"), ("migrate", "--data", str(self.directory)))
        for done in await asyncio.gather(
            *(asyncio.to_thread(run, *each, **self.settings()) for each in commands)
        ):
            assert done.returncode == 0, done.stderr

    async def servers_stopped(self) -> None:
        """Afterwards neither Kafka nor PostgreSQL is there."""
        await asyncio.gather(asyncio.to_thread(self.kafka.stop), self.postgres.stop())

    @contextmanager
    def named(self, name: str) -> Iterator["Deployment"]:
        """One of its own on the same Kafka and PostgreSQL, whose processes are ended afterwards."""
        directory = self.directory / name
        directory.mkdir()
        own = replace(self, directory=directory, topic=name, processes=[])
        try:
            yield own
        finally:
            own.end()

    def end(self) -> None:
        """Ends every process that still runs, by force."""
        for each in self.processes:
            if each.process.poll() is None:
                each.process.kill()
            each.process.wait()


@asynccontextmanager
async def deployment(directory: Path) -> AsyncIterator[Deployment]:
    """A deployment of which nothing runs yet, on one Kafka and one PostgreSQL, ended afterwards."""
    jars_or_skip()
    listener = Listener(port=free_loopback_port(), advertised_port=free_loopback_port())
    broker = KafkaBroker(directory / "kafka", free_loopback_port(), proxied=listener)
    postgres_directory = directory / "postgres"
    postgres = EmbeddedPostgres(postgres_directory)
    async with tcp_proxy(("127.0.0.1", listener.port), listener.advertised_port) as proxy:
        deployed = Deployment(directory, broker, postgres, postgres_directory, proxy, "servers")
        try:
            yield deployed
        finally:
            deployed.end()
            await asyncio.to_thread(broker.kill)
            await postgres.stop()


def kill(service: ServiceProcess) -> None:
    os.kill(service.process.pid, signal.SIGKILL)
    service.process.wait()
