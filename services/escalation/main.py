"""The composition root of the escalation scheduler."""

import asyncio
from collections.abc import Callable

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services.escalation.breached_cases import breached_cases, reading_connection
from services.escalation.escalator import Escalator
from shared.acceptance import Acceptance
from shared.clock import Clock, system_clock
from shared.events.catalogue import Catalogue
from shared.field_cipher import WithoutKeys
from shared.http.health import health_routes
from shared.http.problems import install_problem_handlers
from shared.http.server import serve
from shared.identifiers import PartyIds
from shared.log.choose import event_log
from shared.log.port import LogWriter
from shared.metrics import Metrics
from shared.settings import Settings
from shared.structured_logs import configure_logging


def escalator_of(
    settings: Settings, metrics: Metrics, writer: LogWriter, clock: Clock = system_clock
) -> Escalator:
    """The scheduler of a deployment, which appends with a writer. Connects to nothing yet."""
    acceptance = Acceptance(
        Catalogue(),
        PartyIds(settings.identifier_pepper.get_secret_value()),
        WithoutKeys(),
        settings.phone_region,
        event_bytes=settings.event_bytes,
    )
    return Escalator(
        settings.database_url.get_secret_value(),
        settings.database_timeout_seconds,
        writer,
        acceptance,
        metrics.escalation,
        clock=clock,
        received=system_clock,
    )


async def run(settings: Settings, stop: asyncio.Event, on_bound: Callable[[int], None] | None = None) -> None:
    """Schedules until `stop`, with health and metrics over HTTP. Raises `AddressUnavailableError`."""
    configure_logging(settings.log_level)
    metrics = Metrics(CollectorRegistry())

    async def check_view() -> None:
        url = settings.database_url.get_secret_value()
        async with reading_connection(url, settings.database_timeout_seconds) as connection:
            async for _ in breached_cases(connection, system_clock(), page_cases=1):
                return

    async with event_log(settings, metrics).writer() as writer:
        app = FastAPI(title="Rapport escalation", docs_url=None, redoc_url=None)
        install_problem_handlers(app)
        readiness = {"database": check_view, "event log": writer.check_writable}
        app.include_router(health_routes(readiness, metrics.registry))
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(escalator_of(settings, metrics, writer).run(ended), name="escalation")
            try:
                await serve(app, settings.host, settings.port, stop, on_bound)
            finally:
                ended.set()
            await looking


async def look_once(settings: Settings) -> int:
    """One look, for those who schedule it themselves. Raises `EscalationFailedError`."""
    configure_logging(settings.log_level)
    metrics = Metrics(CollectorRegistry())
    async with event_log(settings, metrics).writer() as writer:
        return await escalator_of(settings, metrics, writer).look()
