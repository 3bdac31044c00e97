"""What every level of test shares: a real PostgreSQL, a database a test, and free ports."""

import os
import socket
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from services.ops.embedded_postgres import EmbeddedPostgres
from tests.case_ledger import CASE_LEDGER
from tests.channel_totals import CHANNEL_TOTALS
from tests.clockless import take_away_clocks
from tests.complaint_trails import COMPLAINT_TRAILS
from tests.declared import READ_MODELS
from tests.touch_counts import TOUCH_COUNTS

pytest_plugins = ["tests.kafka_broker"]


@pytest.fixture(scope="session", autouse=True)
def no_clock_in_projections() -> None:
    """The whole suite runs with clocks and dice that raise in projection code."""
    take_away_clocks((*READ_MODELS, COMPLAINT_TRAILS, CHANNEL_TOTALS, TOUCH_COUNTS, CASE_LEDGER))


@pytest.fixture(scope="session")
async def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of a PostgreSQL server: RAPPORT_TEST_DATABASE_URL where set, else an embedded one."""
    given = os.environ.get("RAPPORT_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg") / "postgres")
    await server.start()
    yield server.url
    await server.stop()


@pytest.fixture
async def database_url(postgres_server: str) -> AsyncIterator[str]:
    """The URL of a new, empty database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server = await asyncpg.connect(postgres_server)
    await server.execute(f"create database {name}")
    yield with_database(postgres_server, name)
    await server.execute(f"drop database {name} with (force)")
    await server.close()


def with_database(url: str, name: str) -> str:
    """The same server's URL for another database."""
    parts = urlsplit(url)
    # A URL without a host needs its empty authority kept: urlunsplit would drop the slashes.
    return f"{parts.scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")


@pytest.fixture
def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The top of the checkout."""
    return Path(__file__).resolve().parents[1]
