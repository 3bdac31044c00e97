"""Everything on one machine: what serves is here, projections and scoring runs are in processes of their own."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from prometheus_client import CollectorRegistry

from services.api.main import api_service
from services.escalation.main import escalator_of
from services.ingest.main import ingest_service
from services.ops.data_directory import DataDirectory, Running
from services.ops.database import kept_running
from services.ops.embedded_postgres import EmbeddedPostgres
from services.ops.front_door import FrontDoor, common_app
from services.ops.joined_metrics import JoinedMetrics
from services.ops.projection_process import Notice, ProjectionProcess
from services.ops.running_log import bounded_log
from services.ops.scoring_process import ScoringProcess
from services.ops.topic import ensure_topic
from services.projections.kept_terms import keep_terms
from services.projections.migrate import migrate
from services.projections.rules import rules_of
from services.scoring.schedule import ScoringSchedule
from shared.clock import Clock, system_clock
from shared.credentials.following import following_access
from shared.http.server import AddressUnavailableError, serve
from shared.log.choose import event_log
from shared.log.port import LogWriter
from shared.metrics import Metrics
from shared.personal_data.subject_keys import open_subject_keys
from shared.settings import Settings
from shared.settings_errors import load_settings
from shared.structured_logs import configure_logging

_CONNECT_SECONDS = 10.0


class DatabaseAwayError(Exception):
    """The given PostgreSQL could not be reached or prepared; the message names its host, never its password."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line; the rest comes from `RAPPORT_*` variables."""

    data: DataDirectory
    database_url: str | None = None
    """None means embedded."""
    pepper: str | None = None
    """None means the data directory's own."""
    master_key: str | None = None
    """None means the data directory's own."""
    previous_master_key: str | None = None
    """What `master_key` has taken the place of, until every key is wrapped anew."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    log_to_files: bool = False
    """Logs go to files of the data directory, so that the screen stays legible."""
    api_clock: Clock = system_clock
    """What is now for whoever asks the API, and for the points that it redeems."""
    complaint_clock: Clock = system_clock
    """The time by which clocks of complaints are breached, for the escalation scheduler."""
    escalation_begins: asyncio.Event | None = None
    """What the escalation scheduler waits for; None: it begins at once."""


async def serve_all(
    wishes: Wishes, stop: asyncio.Event, on_serving: Callable[[Running], None], notice: Notice
) -> None:
    """Starts everything, calls `on_serving` once it answers, serves until `stop`, drains, and stops everything.

    Raises `WrongSettingsError`, `DirectoryInUseError`, `DataDirectoryError`, `AddressUnavailableError`,
    `EmbeddedPostgresError`, `DatabaseAwayError`, `ExposedError` and `TopicUnusableError`, each with a message for
    people.
    """
    embedded = EmbeddedPostgres(wishes.data.postgres) if wishes.database_url is None else None
    with wishes.data.held():
        settings = load_settings(
            database_url=embedded.url if embedded else wishes.database_url,
            identifier_pepper=wishes.data.identifier_pepper(wishes.pepper),
            master_key=wishes.data.master_key(wishes.master_key, wishes.previous_master_key),
            previous_master_key=wishes.previous_master_key,
            **wishes.settings,
        )
        configure_logging(
            settings.log_level,
            bounded_log(wishes.data.path / "serve.log") if wishes.log_to_files else None,
        )
        _check_port_is_free(settings.host, settings.port)
        async with _database(embedded, notice):
            await _prepare(settings)
            if not stop.is_set():
                await _serve(wishes, settings, stop, on_serving, notice)


async def _serve(
    wishes: Wishes,
    settings: Settings,
    stop: asyncio.Event,
    on_serving: Callable[[Running], None],
    notice: Notice,
) -> None:
    metrics = Metrics(CollectorRegistry())
    log_file = wishes.data.path / "projections.log" if wishes.log_to_files else None
    projections = ProjectionProcess(settings, log_file, notice, metrics)
    async with (
        following_access(settings, system_clock) as access,
        event_log(settings, metrics).writer() as writer,
        open_subject_keys(settings, metrics) as keys,
        ingest_service(settings, metrics, writer=writer, keys=keys, access=access) as ingest,
        api_service(
            settings, metrics, writer=writer, keys=keys, access=access, clock=wishes.api_clock
        ) as api,
        _supervised(projections),
        _escalating(wishes, settings, metrics, writer),
        _scoring(settings, metrics),
    ):
        scraped = JoinedMetrics(metrics, projections, wishes.data.path)
        common = common_app(ingest, api, {"projections": projections.check_running}, scraped.text)

        def on_bound(port: int) -> None:
            database = settings.database_url.get_secret_value()
            url = f"http://{_reachable(settings.host)}:{port}"
            running = Running(os.getpid(), url, database, settings.log, asks_for_keys=not access.open)
            announced.enter_context(wishes.data.announced(running))
            on_serving(running)

        with ExitStack() as announced:
            door = FrontDoor(ingest, api, common)
            await serve(door, settings.host, settings.port, stop, on_bound, on_stop=api.on_stop)


@asynccontextmanager
async def _database(embedded: EmbeddedPostgres | None, notice: Notice) -> AsyncIterator[None]:
    if embedded is None:
        yield
    else:
        async with kept_running(embedded, notice):
            yield


@asynccontextmanager
async def _supervised(projections: ProjectionProcess) -> AsyncIterator[None]:
    """Projections run until left, so they outlast the serving: requests under way may wait for them."""
    stop = asyncio.Event()
    supervising = asyncio.create_task(projections.supervise(stop))
    try:
        yield
    finally:
        stop.set()
        await supervising


@asynccontextmanager
async def _escalating(
    wishes: Wishes, settings: Settings, metrics: Metrics, writer: LogWriter
) -> AsyncIterator[None]:
    """Breached clocks are escalated until left; what is being posted then is finished."""
    stop = asyncio.Event()
    escalator = escalator_of(settings, metrics, writer, wishes.complaint_clock)
    begins = wishes.escalation_begins
    beginning = None if begins is None else asyncio.create_task(begins.wait())

    async def escalate() -> None:
        if beginning is not None:
            await asyncio.wait({beginning})
        await escalator.run(stop)

    escalating = asyncio.create_task(escalate(), name="escalation")
    try:
        yield
    finally:
        stop.set()
        if beginning is not None:
            beginning.cancel()
        await escalating


@asynccontextmanager
async def _scoring(settings: Settings, metrics: Metrics) -> AsyncIterator[None]:
    """Scoring runs are made when they are due, until left; one under way then is given up."""
    stop = asyncio.Event()
    schedule = ScoringSchedule(
        settings.database_url.get_secret_value(),
        settings.scoring_hours,
        ScoringProcess(settings).run,
        metrics.scoring,
        system_clock,
    )
    following = asyncio.create_task(schedule.follow(stop), name="scoring")
    try:
        yield
    finally:
        stop.set()
        await following


async def _prepare(settings: Settings) -> None:
    """What must be right before anything is served. Raises `TermsRewrittenError` and `DatabaseAwayError`."""
    if settings.log != "embedded":
        await ensure_topic(settings)
    url = settings.database_url.get_secret_value()
    try:
        await migrate(url, settings.partitions)
        connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
        try:
            await keep_terms(connection, rules_of(settings).programmes, system_clock)
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError) as error:
        place = urlsplit(url)
        raise DatabaseAwayError(
            f"PostgreSQL at {place.hostname or 'its socket'}{place.path} could not be prepared: "
            f"{str(error) or 'no answer in time'}; check --database-url or RAPPORT_DATABASE_URL"
        ) from error


def _check_port_is_free(host: str, port: int) -> None:
    """Tells early, before a database is made, what serving would find out late."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise AddressUnavailableError(
            f"cannot listen on {host}:{port}: {_reason(error)}; choose another --host or --port"
        ) from error


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)


def _reachable(host: str) -> str:
    """The address to tell people: where every interface is listened on, this machine's own."""
    told = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared with, not listened on
    return f"[{told}]" if ":" in told and not told.startswith("[") else told
