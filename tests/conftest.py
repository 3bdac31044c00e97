"""What every level of test shares: a real PostgreSQL, a database a test, and free ports."""

import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings

from deploy.kafka.broker import free_loopback_port
from services.ops.embedded_postgres import EmbeddedPostgres
from tests.case_ledger import CASE_LEDGER
from tests.channel_totals import CHANNEL_TOTALS
from tests.clockless import take_away_clocks
from tests.complaint_trails import COMPLAINT_TRAILS
from tests.databases import drop_templates, with_database
from tests.declared import READ_MODELS
from tests.touch_counts import TOUCH_COUNTS

pytest_plugins = ["tests.chromium", "tests.kafka_broker"]


_OWN_DIRECTORY = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Gives the run a directory of its own, and lets no test of Hypothesis fail because the machine is busy.

    PostgreSQL runs as another user than root and needs a way through the directories above its own. In the one that all
    runs of a user share, the next run of pytest to begin would take that way from the server of this one.
    """
    settings.register_profile("rapport", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("rapport")
    if config.option.basetemp is None:
        config.stash[_OWN_DIRECTORY] = Path(tempfile.mkdtemp(prefix="rapport-tests-"))
        config.option.basetemp = str(config.stash[_OWN_DIRECTORY] / "run")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keeps what tests left where one failed."""
    own = session.config.stash.get(_OWN_DIRECTORY, None)
    if own is not None and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        shutil.rmtree(own, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says where."""
    own = config.stash.get(_OWN_DIRECTORY, None)
    if own is not None and own.exists():
        terminalreporter.write_line(f"What the tests left is in {own}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Leaves logging as a test found it: what one began within its own captured output is closed for the next."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configured = structlog.get_config() if structlog.is_configured() else None
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
        if configured is not None:
            structlog.configure(**configured)


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
        await drop_templates(given)
        return
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg") / "postgres")
    await server.start()
    await _lost_with_its_machine(server.url)
    yield server.url
    await server.stop()


async def _lost_with_its_machine(url: str) -> None:
    """Lets a server wait for no disk: what its processes wrote outlives them, and nobody ends the machine."""
    server = await asyncpg.connect(url)
    await server.execute("alter system set fsync = off")
    await server.fetchval("select pg_reload_conf()")
    await server.close()


@pytest.fixture
async def database_url(postgres_server: str) -> AsyncIterator[str]:
    """The URL of a new, empty database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server = await asyncpg.connect(postgres_server)
    await server.execute(f"create database {name}")
    yield with_database(postgres_server, name)
    await server.execute(f"drop database {name} with (force)")
    await server.close()


@pytest.fixture
def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    return free_loopback_port()


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The top of the checkout."""
    return Path(__file__).resolve().parents[1]
