"""The composition root of the query API."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from prometheus_client import CollectorRegistry

from services.api.app import api_app
from services.api.cursor import Cursors
from services.api.database import (
    Connection,
    Database,
    DatabaseUnavailableError,
    connection_settings,
    open_database,
)
from services.api.position_watch import PositionWatch
from services.api.reads import Reads
from services.projections.declared_views import declared_views
from services.projections.read_models.declaration import ReadModel
from services.projections.rules import rules_of
from shared.http.deadlines import MOST_REQUESTS_AT_ONCE
from shared.http.server import serve
from shared.http.service import Service
from shared.identifiers import PartyIds
from shared.metrics import Metrics
from shared.settings import Settings
from shared.structured_logs import configure_logging

_MOST_WAITING: Final = (
    MOST_REQUESTS_AT_ONCE * 3 // 4
)  # so that requests that wait for nothing still get through


@asynccontextmanager
async def api_service(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """The query API, ready to be served. Starts without PostgreSQL, says so on /readyz, and heals.

    Raises `WrongSettingsError`.
    """
    rules = rules_of(settings)
    read_models = declared_views(rules)
    url = settings.database_url.get_secret_value()
    pepper = settings.identifier_pepper.get_secret_value()
    timeout_seconds = settings.database_timeout_seconds

    async def connect() -> Connection:
        connection: Connection = await asyncpg.connect(url, **connection_settings(timeout_seconds))
        return connection

    async with open_database(
        url,
        timeout_seconds=timeout_seconds,
        connections=settings.database_connections,
        most_reads=MOST_REQUESTS_AT_ONCE,
    ) as database:
        watch = PositionWatch(connect, database.replace_connections, most_waiting=_MOST_WAITING)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run(), name="position watch")
            try:
                yield api_app(
                    Reads(database, watch, metrics.api_position_waits),
                    cursors=Cursors(pepper),
                    party_ids=PartyIds(pepper),
                    phone_region=settings.phone_region,
                    readiness={
                        "database": lambda: _answers(database),
                        "views": lambda: _views_exist(database, read_models),
                    },
                    metrics=metrics,
                )
            finally:
                watching.cancel()


async def run(settings: Settings, stop: asyncio.Event, on_bound: Callable[[int], None] | None = None) -> None:
    """Serves the query API alone until `stop` is set, then drains. Raises `AddressUnavailableError`."""
    configure_logging(settings.log_level)
    async with api_service(settings, Metrics(CollectorRegistry())) as service:
        await serve(service, settings.host, settings.port, stop, on_bound)


async def _answers(database: Database) -> None:
    await database.read(lambda connection: connection.fetchval("select 1"))


async def _views_exist(database: Database, read_models: Sequence[ReadModel]) -> None:
    names = [f"live.{table.name}" for read_model in read_models for table in read_model.tables]

    async def missing(connection: Any) -> list[str]:
        return [name for name in names if await connection.fetchval("select to_regclass($1)", name) is None]

    absent = await database.read(missing)
    if absent:
        raise DatabaseUnavailableError(f"{', '.join(absent)} does not exist yet: run `rapport migrate`")
