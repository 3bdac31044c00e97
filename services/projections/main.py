"""The projection worker, wired from settings."""

import asyncio
from functools import partial

from prometheus_client import CollectorRegistry

from services.projections.engine.worker import Projection, run_worker
from services.projections.read_models import READ_MODELS
from shared.codec import decode_record
from shared.events.catalogue import Catalogue
from shared.log.choose import event_log
from shared.metrics import Metrics
from shared.settings import Settings


async def run(settings: Settings, stop: asyncio.Event, metrics: Metrics | None = None) -> None:
    """Projects every read model from the log of the settings until `stop`; the database is migrated already.

    Raises the errors that need a person: `LogReplacedError`, `PositionNotInLogError`, `ProgramOutdatedError`.
    """
    metrics = metrics or Metrics(CollectorRegistry())
    projection = Projection(
        database_url=settings.database_url.get_secret_value(),
        log=event_log(settings, metrics),
        decode=partial(decode_record, catalogue=Catalogue()),
        read_models=READ_MODELS,
        metrics=metrics,
        batch_events=settings.batch_events,
        database_timeout_seconds=settings.database_timeout_seconds,
    )
    await run_worker(projection, stop)
