"""Each event log with what the contract needs besides the port: ways to be away, to lose records, to begin anew."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from prometheus_client import CollectorRegistry

from deploy.kafka.broker import KafkaBroker
from shared.log.append_buffer import AppendBounds
from shared.log.embedded import EmbeddedLog
from shared.log.embedded_tables import create_statements
from shared.log.kafka import KafkaLog
from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_topic import create_topic
from shared.log.port import EventLog
from shared.metrics import Metrics
from tests.fakes.memory_log import MemoryLog
from tests.fakes.tcp_proxy import TcpProxy, tcp_proxy

PARTITIONS = 4
APPEND_TIMEOUT_SECONDS = 1.0
BUFFER_RECORDS = 1000
BOUNDS = AppendBounds(timeout_seconds=APPEND_TIMEOUT_SECONDS, records=BUFFER_RECORDS)


@dataclass(frozen=True)
class LogUnderTest:
    """`log` has 4 partitions, waits 1 s for an append, and takes 1,000 waiting records."""

    log: EventLog
    record_bytes: int
    go_away: Callable[[], None]
    come_back: Callable[[], None]
    truncate_before: Callable[[int, int], Awaitable[None]]
    recreate: Callable[[], Awaitable[None]]


@asynccontextmanager
async def memory() -> AsyncIterator[LogUnderTest]:
    log = MemoryLog(PARTITIONS, append_timeout_seconds=APPEND_TIMEOUT_SECONDS, buffer_records=BUFFER_RECORDS)

    async def truncate_before(partition: int, first: int) -> None:
        log.truncate_before(partition, first)

    async def recreate() -> None:
        log.recreate()

    yield LogUnderTest(log, log.record_bytes, log.go_away, log.come_back, truncate_before, recreate)


def postgres_proxy_target(url: str) -> tuple[str, int] | Path:
    """Where a server's URL leads: its host and port, or its Unix socket."""
    parts = urlsplit(url)
    [socket_directory] = parse_qs(parts.query).get("host", [""])
    if socket_directory.startswith("/"):
        return Path(socket_directory) / ".s.PGSQL.5432"
    return parts.hostname or "127.0.0.1", parts.port or 5432


def through(proxy: TcpProxy, url: str) -> str:
    """The same database by way of the proxy."""
    parts = urlsplit(url)
    user = parts.username or "postgres"
    login = user if parts.password is None else f"{user}:{parts.password}"
    return f"postgresql://{login}@127.0.0.1:{proxy.port}{parts.path}?sslmode=disable"


async def make_embedded_tables(url: str, partitions: int = PARTITIONS) -> None:
    connection = await asyncpg.connect(url)
    for statement in create_statements(partitions):
        await connection.execute(statement)
    await connection.close()


@asynccontextmanager
async def embedded(url: str) -> AsyncIterator[LogUnderTest]:
    await make_embedded_tables(url)

    async def sql(*statements: str) -> None:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def truncate_before(partition: int, first: int) -> None:
        await sql(
            f"delete from log.records where partition = {partition} and log_offset < {first}",  # noqa: S608  # numbers
            f"update log.partitions set first_offset = {first} where partition = {partition}",  # noqa: S608
        )

    async def recreate() -> None:
        await sql("drop schema log cascade", *create_statements(PARTITIONS))

    async with tcp_proxy(postgres_proxy_target(url)) as proxy:
        log = EmbeddedLog(
            through(proxy, url),
            Metrics(CollectorRegistry()),
            bounds=BOUNDS,
            record_bytes=1024 * 1024,
        )
        yield LogUnderTest(log, 1024 * 1024, proxy.black_hole, proxy.heal, truncate_before, recreate)


@asynccontextmanager
async def kafka(broker: KafkaBroker, proxy: TcpProxy, topic: str) -> AsyncIterator[LogUnderTest]:
    """Through `proxy`, which the broker advertises; settings are changed beside it."""
    direct = KafkaConnection(broker.bootstrap, topic)

    async def make() -> None:
        await create_topic(direct, partitions=PARTITIONS, replication_factor=1, min_in_sync=1)

    async def truncate_before(partition: int, first: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=first)})
        await admin.close()

    async def recreate() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        await admin.delete_topics([topic])
        await admin.close()
        await make()

    await make()
    log = KafkaLog(
        replace(direct, bootstrap=f"127.0.0.1:{proxy.port}"),
        Metrics(CollectorRegistry()),
        bounds=BOUNDS,
    )
    yield LogUnderTest(log, 4 * 1024 * 1024, proxy.black_hole, proxy.heal, truncate_before, recreate)
    proxy.heal()
