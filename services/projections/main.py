"""The projection worker, wired from settings."""

import asyncio
from functools import partial

import asyncpg
from prometheus_client import CollectorRegistry

from services.projections.declared_views import declared_views
from services.projections.engine.operator_jobs import run_operator_jobs
from services.projections.engine.outdated_views import rebuild_outdated_views
from services.projections.engine.rebuild import Rebuild
from services.projections.engine.watchdog import Watchdog
from services.projections.engine.worker import Projection, run_worker
from services.projections.kept_terms import keep_terms
from services.projections.read_models.declaration import ReadModel
from services.projections.rebuilding import run_in_processes
from services.projections.registered_policies import register_policies
from services.projections.rules import Rules, rules_of
from shared.clock import system_clock
from shared.codec import decode_record
from shared.events.catalogue import Catalogue
from shared.garbage import batches_left_alone
from shared.log.choose import event_log
from shared.metrics import Metrics
from shared.settings import Settings

_BY = "the projection process"


def watchdog_of(settings: Settings, metrics: Metrics) -> Watchdog:
    """A watchdog over the log and the database of the settings, to be given to `run`; it looks at nothing yet."""
    return Watchdog(
        settings.database_url.get_secret_value(),
        event_log(settings, metrics),
        metrics.watched,
        system_clock,
        database_timeout_seconds=settings.database_timeout_seconds,
    )


async def run(
    settings: Settings,
    stop: asyncio.Event,
    metrics: Metrics | None = None,
    watchdog: Watchdog | None = None,
) -> None:
    """Projects every read model from the log of the settings until `stop`; the database is migrated already.

    Views that readers see in an older version than this program's are rebuilt meanwhile, in a process of their own,
    what operators ordered through the API is carried out, and a watchdog tells how all of it fares: the one given, for
    who asks it further questions, else its own.
    Raises the errors that need a person: `WrongSettingsError`, `TermsRewrittenError`, `LogReplacedError`,
    `PositionNotInLogError`, `ProgramOutdatedError`.
    """
    rules = rules_of(settings)
    read_models = declared_views(rules)
    metrics = metrics or Metrics(CollectorRegistry())
    metrics.projection_started_timestamp_seconds.set(system_clock().timestamp())
    watchdog = watchdog or watchdog_of(settings, metrics)
    database_url = settings.database_url.get_secret_value()
    log = event_log(settings, metrics)
    decode = partial(decode_record, catalogue=Catalogue())
    projection = Projection(
        database_url=database_url,
        log=log,
        decode=decode,
        read_models=read_models,
        metrics=metrics,
        batch_events=settings.batch_events,
        database_timeout_seconds=settings.database_timeout_seconds,
        prepare=_PutIntoForce(rules),
    )

    def order(wanted: tuple[ReadModel, ...]) -> Rebuild:
        run_workers = partial(run_in_processes, settings)
        return Rebuild(
            database_url=database_url,
            log=log,
            decode=decode,
            read_models=wanted,
            run_workers=run_workers,
            by=_BY,
        )

    beside = (
        asyncio.create_task(rebuild_outdated_views(database_url, read_models, order)),
        asyncio.create_task(run_operator_jobs(database_url, read_models, decode, order)),
        asyncio.create_task(_watch(watchdog, stop)),
    )
    try:
        with batches_left_alone():
            await run_worker(projection, stop)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


class _PutIntoForce:
    """Keeps the programmes' terms in every session, and registers this process's policies in the first.

    Later ones leave them: a worker of an older deployment that begins again must not bring its policies back.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._registered = False

    async def __call__(self, connection: asyncpg.Connection) -> None:
        await keep_terms(connection, self._rules.programmes, system_clock)
        if not self._registered:
            await register_policies(connection, self._rules.policies.content)
            self._registered = True


async def _watch(watchdog: Watchdog, stop: asyncio.Event) -> None:
    """Watches until `stop`, and closes then while the worker still finishes, as a silent log may take seconds to."""
    watching = asyncio.create_task(watchdog.run())
    try:
        await stop.wait()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
