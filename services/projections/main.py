"""The projection worker, wired from settings."""

import asyncio
from functools import partial

from prometheus_client import CollectorRegistry

from services.projections.engine.outdated_views import rebuild_outdated_views
from services.projections.engine.rebuild import Rebuild
from services.projections.engine.worker import Projection, run_worker
from services.projections.read_models import READ_MODELS
from services.projections.read_models.declaration import ReadModel
from services.projections.rebuilding import run_in_processes
from shared.codec import decode_record
from shared.events.catalogue import Catalogue
from shared.log.choose import event_log
from shared.metrics import Metrics
from shared.settings import Settings


async def run(settings: Settings, stop: asyncio.Event, metrics: Metrics | None = None) -> None:
    """Projects every read model from the log of the settings until `stop`; the database is migrated already.

    Views that readers see in an older version than this program's are rebuilt meanwhile, in a process of their own.
    Raises the errors that need a person: `LogReplacedError`, `PositionNotInLogError`, `ProgramOutdatedError`.
    """
    metrics = metrics or Metrics(CollectorRegistry())
    database_url = settings.database_url.get_secret_value()
    log = event_log(settings, metrics)
    decode = partial(decode_record, catalogue=Catalogue())
    projection = Projection(
        database_url=database_url,
        log=log,
        decode=decode,
        read_models=READ_MODELS,
        metrics=metrics,
        batch_events=settings.batch_events,
        database_timeout_seconds=settings.database_timeout_seconds,
    )

    def order(read_models: tuple[ReadModel, ...]) -> Rebuild:
        run_workers = partial(run_in_processes, settings)
        return Rebuild(
            database_url=database_url,
            log=log,
            decode=decode,
            read_models=read_models,
            run_workers=run_workers,
        )

    rebuilding = asyncio.create_task(rebuild_outdated_views(database_url, READ_MODELS, order))
    try:
        await run_worker(projection, stop)
    finally:
        rebuilding.cancel()
        await asyncio.gather(rebuilding, return_exceptions=True)
