"""The ingest services measured against each other: all running, each with its own topic on one broker."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from shared.credentials.stored_keys import Binding, make_key
from shared.credentials.token import NewKey
from tests.bench.deployment import broker, on_kafka
from tests.bench.environment import PROJECT, PYTHON, Bench
from tests.bench.kafka_topic import records_in, topic
from tests.bench.measurement import BenchError, Left
from tests.bench.processes import Child, answers, child, free_port
from tests.bench.wrk import run_wrk

OURS = "rapport ingest"
OWN_NAIVE = "naive, FastAPI and aiokafka"
YARDSTICK_NAIVE = "yardstick naive_ingest"
YARDSTICK_NATIVE = "yardstick native_ingest (Go)"


@dataclass(frozen=True, slots=True)
class IngestContender:
    """A running ingest service at `url`, writing to `topic_name`."""

    name: str
    url: str
    kafka: str
    topic_name: str
    process: Child
    microseconds_an_event: list[float] = field(default_factory=list)
    """Processor time of the service's own process, by load: what other work on the machine disturbs least."""

    async def events_a_second(
        self, script: str, events_a_request: int, seconds: int, environment: Mapping[str, str] | None = None
    ) -> float:
        """Loads it over 64 connections and answers the acknowledged events a second.

        Raises `BenchError` when the topic took fewer records than were acknowledged.
        """
        before = await records_in(self.kafka, self.topic_name)
        used_before = self.process.processor_seconds()
        try:
            load = await run_wrk(self.url, script, seconds=seconds, environment=environment)
        except BenchError as error:
            raise BenchError(f"{self.name}: {error}") from error
        acknowledged = load.requests * events_a_request
        self.microseconds_an_event.append(
            (self.process.processor_seconds() - used_before) / acknowledged * 1e6
        )
        taken = await records_in(self.kafka, self.topic_name) - before
        if taken < acknowledged:
            raise BenchError(f"{self.name} acknowledged {acknowledged} events, but the topic took {taken}")
        return load.rate * events_a_request


@asynccontextmanager
async def ingest_contenders(bench: Bench) -> AsyncIterator[tuple[list[IngestContender], list[Left]]]:
    """Every ingest service that can run here, ours first, and those that cannot."""
    async with AsyncExitStack() as stack:
        contenders = [await stack.enter_async_context(our_ingest(bench))]
        contenders.append(
            await stack.enter_async_context(
                _python(bench, OWN_NAIVE, PROJECT, "tests.bench.naive_ingest:app")
            )
        )
        left: list[Left] = []
        if bench.yardsticks is None:
            left += [Left(name, "no folder of yardsticks") for name in (YARDSTICK_NAIVE, YARDSTICK_NATIVE)]
            yield contenders, left
            return
        contenders.append(
            await stack.enter_async_context(
                _python(bench, YARDSTICK_NAIVE, bench.yardsticks, "naive_ingest:app")
            )
        )
        if shutil.which("go") is None:
            left.append(Left(YARDSTICK_NATIVE, "needs go to be built, and there is none"))
        else:
            contenders.append(
                await stack.enter_async_context(_native(bench, bench.yardsticks / "native_ingest"))
            )
        yield contenders, left


@asynccontextmanager
async def our_ingest(bench: Bench, key: NewKey | None = None) -> AsyncIterator[IngestContender]:
    """Rapport's ingest as it is deployed, on a topic and a database of its own.

    Open to this machine, or to those alone who send for `/bench` with the key, where one is given.
    """
    async with on_kafka(bench, "ingest") as deployment:
        if key is not None:
            connection = await asyncpg.connect(deployment.database_url)
            await make_key(connection, key, "source", "bench", Binding(("/bench",)))
            await connection.close()
        async with deployment.serve("ingest") as (process, port):
            topic_name = deployment.log.rpartition("/")[2]
            yield IngestContender(
                OURS, f"http://127.0.0.1:{port}/v1/events", broker(bench), topic_name, process
            )


@asynccontextmanager
async def _python(bench: Bench, name: str, folder: Path, app: str) -> AsyncIterator[IngestContender]:
    port = free_port()
    command = (PYTHON, "-m", "uvicorn", app, "--app-dir", str(folder), "--port", str(port), "--no-access-log")
    async with (
        topic(broker(bench), "naive") as topic_name,
        child(
            name, command, environment=bench.process_environment(KAFKA=broker(bench), TOPIC=topic_name),
            directory=bench.directory, output=bench.output("naive"), ready=answers(port, "/openapi.json"),
        ) as process,
    ):  # fmt: skip
        yield IngestContender(name, f"http://127.0.0.1:{port}/v1/events", broker(bench), topic_name, process)


@asynccontextmanager
async def _native(bench: Bench, folder: Path) -> AsyncIterator[IngestContender]:
    program = bench.directory / "native_ingest"
    if not program.exists():
        await _build(bench, folder, program)
    port = free_port()
    async with topic(broker(bench), "native") as topic_name:
        environment = bench.process_environment(KAFKA=broker(bench), TOPIC=topic_name, PORT=str(port))
        async with child(
            YARDSTICK_NATIVE, (str(program),), environment=environment, directory=bench.directory,
            output=bench.output("native"), ready=answers(port, "/v1/events", (422,)),
        ) as process:  # fmt: skip
            yield IngestContender(
                YARDSTICK_NATIVE, f"http://127.0.0.1:{port}/v1/events", broker(bench), topic_name, process
            )


async def _build(bench: Bench, folder: Path, program: Path) -> None:
    bench.say("building the yardstick native_ingest")
    command = ("go", "build", "-o", str(program), ".")
    async with child(
        "go build",
        command,
        environment=bench.process_environment(),
        directory=folder,
        output=bench.output("go"),
    ) as building:
        code = await building.process.wait()
    if code != 0:
        raise BenchError(
            f"go build of {folder} failed: {building.output.read_text(errors='replace')[-1000:]}"
        )
