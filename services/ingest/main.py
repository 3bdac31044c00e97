"""Where ingest is put together: settings, then the log, then the application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from importlib.metadata import version

import structlog
from prometheus_client import CollectorRegistry

from services.ingest.app import IngestApplication, descriptive_app
from services.ingest.credentials import SendersByAccess
from services.ingest.limits import Limits
from services.ingest.observation import Observation
from services.ingest.posting import EventPosting
from shared.acceptance import Acceptance
from shared.clock import Clock, system_clock
from shared.credentials.access import Access
from shared.credentials.following import following_access
from shared.events.catalogue import Catalogue
from shared.http.server import serve
from shared.http.service import Service
from shared.identifiers import PartyIds
from shared.log.choose import event_log
from shared.log.port import LogWriter
from shared.metrics import Metrics
from shared.personal_data.subject_keys import SubjectKeys, open_subject_keys
from shared.settings import Settings
from shared.structured_logs import configure_logging


@asynccontextmanager
async def ingest_service(
    settings: Settings,
    metrics: Metrics,
    *,
    writer: LogWriter | None = None,
    keys: SubjectKeys | None = None,
    access: Access | None = None,
    clock: Clock = system_clock,
) -> AsyncIterator[Service]:
    """The ingest service, ready to be served; leaving the context drains what is on its way to the log.

    Does not wait for the log: while it is away, posts are answered 503. Given a `writer`, `keys` or an `access`, it
    appends, seals or lets in with those and leaves them open; else it opens its own, of the log, the key store and the
    database that the settings name. Raises `WrongSettingsError` where there is no master key, and `ExposedError` where
    nobody could come in.
    """
    limits = Limits.of(settings)
    catalogue = Catalogue()
    opened = event_log(settings, metrics).writer() if writer is None else nullcontext(writer)
    sealing = open_subject_keys(settings, metrics) if keys is None else nullcontext(keys)
    let_in = following_access(settings, clock) if access is None else nullcontext(access)
    async with let_in as letting_in, opened as appending, sealing as subject_keys:
        acceptance = Acceptance(
            catalogue,
            PartyIds(settings.identifier_pepper.get_secret_value()),
            subject_keys.cipher,
            settings.phone_region,
            limits.event_bytes,
        )
        posting = EventPosting(
            acceptance=acceptance,
            keys=subject_keys,
            writer=appending,
            credentials=SendersByAccess(letting_in),
            limits=limits,
            clock=clock,
            observation=Observation(
                metrics,
                structlog.get_logger("rapport.ingest").bind(),
                log_accepted=settings.log_level == "debug",
            ),
        )
        readiness = {"event log": appending.check_writable, "credentials": letting_in.check_known}
        rest = descriptive_app(
            catalogue,
            limits,
            readiness,
            metrics.registry,
            version=version("rapport"),
            log_address=settings.log.rpartition("/")[2],
        )
        yield Service(IngestApplication(posting, rest), readiness, rest.openapi)


async def run(settings: Settings, stop: asyncio.Event, on_bound: Callable[[int], None] | None = None) -> None:
    """Serves ingest alone, until `stop` is set. Raises `AddressUnavailableError` and `ExposedError`."""
    configure_logging(settings.log_level)
    async with ingest_service(settings, Metrics(CollectorRegistry())) as service:
        await serve(service, settings.host, settings.port, stop, on_bound)
