"""`rapport project`: one projection worker with health and metrics over HTTP, for deployments."""

import asyncio
from collections.abc import Callable

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services.ops.projections_ended import ProjectionsEndedError
from services.projections.engine.live_set import ProgramOutdatedError
from services.projections.engine.log_identity import LogReplacedError, PositionNotInLogError
from services.projections.kept_terms import TermsRewrittenError
from services.projections.main import run as project
from services.projections.main import watchdog_of
from shared.http.health import health_routes
from shared.http.problems import install_problem_handlers
from shared.http.server import serve
from shared.metrics import Metrics
from shared.settings import Settings
from shared.structured_logs import configure_logging


async def run(settings: Settings, stop: asyncio.Event, on_bound: Callable[[int], None] | None = None) -> None:
    """Projects until `stop`. Raises `ProjectionsEndedError` when that needs a person, and `AddressUnavailableError`."""
    configure_logging(settings.log_level)
    metrics = Metrics(CollectorRegistry())
    watchdog = watchdog_of(settings, metrics)
    readiness = {
        "database": watchdog.check_database,
        "event log": watchdog.check_log,
        "views": watchdog.check_progress,
    }
    app = FastAPI(title="Rapport projections", docs_url=None, redoc_url=None)
    install_problem_handlers(app)
    app.include_router(health_routes(readiness, metrics.registry))
    ended = asyncio.Event()

    async def until_ended() -> None:
        try:
            await project(settings, stop, metrics, watchdog)
        except (LogReplacedError, PositionNotInLogError, ProgramOutdatedError, TermsRewrittenError) as error:
            name = type(error).__name__
            structlog.get_logger("rapport.ops").critical("projections_ended", error=name, detail=str(error))
            raise ProjectionsEndedError(f"{name}: {error}") from error
        finally:
            ended.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(until_ended())
        await serve(app, settings.host, settings.port, ended, on_bound)
