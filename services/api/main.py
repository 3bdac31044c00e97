"""The composition root of the query API."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from functools import partial
from typing import Any, Final

import asyncpg
from prometheus_client import CollectorRegistry

from services.api.access.disclosure import Disclosures
from services.api.access.record_retention import RecordRetention
from services.api.access.recorded_reads import recorded_reads
from services.api.app import api_app
from services.api.console.acting import Acting
from services.api.console.sessions import Sessions
from services.api.cursor import Cursors
from services.api.database import (
    Connection,
    Database,
    DatabaseUnavailableError,
    connection_settings,
    open_database,
)
from services.api.ledger_requests import LedgerRequests
from services.api.ledger_writes import LedgerWrites
from services.api.live.hub import Hub
from services.api.operations.jobs import Jobs
from services.api.operations.lag_look import LagLook
from services.api.operations.lag_samples import PAUSE_SECONDS, LagSamples
from services.api.operations.room import OperationsRoom
from services.api.operations.sample_table import SampleTable
from services.api.position_watch import PositionWatch
from services.api.reads import Reads
from services.projections.complaints.case_reads import CaseReads
from services.projections.declared_views import declared_views
from services.projections.loyalty.account_source import LedgerReads
from services.projections.read_models.declaration import ReadModel
from services.projections.read_models.loyalty import loyalty
from services.projections.rules import rules_of
from shared.acceptance import Acceptance
from shared.clock import Clock, system_clock
from shared.codec import decode_record
from shared.credentials.access import Access
from shared.credentials.following import following_access
from shared.events.catalogue import Catalogue
from shared.field_cipher import WithoutKeys
from shared.http.deadlines import MOST_REQUESTS_AT_ONCE
from shared.http.server import serve
from shared.http.service import Service
from shared.identifiers import PartyIds
from shared.log.choose import event_log
from shared.log.port import EventLog, LogWriter
from shared.metrics import Metrics
from shared.personal_data.opener import Opener
from shared.personal_data.subject_keys import SubjectKeys, open_subject_keys
from shared.settings import Settings
from shared.structured_logs import configure_logging

_MOST_WAITING: Final = (
    MOST_REQUESTS_AT_ONCE * 3 // 4
)  # so that requests that wait for nothing still get through


@asynccontextmanager
async def api_service(
    settings: Settings,
    metrics: Metrics,
    *,
    writer: LogWriter | None = None,
    log: EventLog | None = None,
    keys: SubjectKeys | None = None,
    access: Access | None = None,
    clock: Clock = system_clock,
) -> AsyncIterator[Service]:
    """The query API, ready to be served. Starts without PostgreSQL, says so on /readyz, and heals.

    It starts without the log as well and stays ready without it, for all but redemptions and holds is reading; those
    are answered 503. Given a `writer`, it appends with that and leaves it open; else it opens one of the log that the
    settings name, and drains it when it is left. Given a `log`, it looks at that one's end instead of theirs. Given an
    `access`, it lets in whom that lets in; else it follows the keys of the database itself. Given `keys` of subjects,
    it opens personal data with those; else with those of the key store. Raises `WrongSettingsError`, as where there is
    no master key, and `ExposedError` where nobody could come in.
    """
    rules = rules_of(settings)
    read_models = declared_views(rules)
    versions = {each.name: each.version for each in read_models}
    url = settings.database_url.get_secret_value()
    pepper = settings.identifier_pepper.get_secret_value()
    timeout_seconds = settings.database_timeout_seconds

    async def connect() -> Connection:
        connection: Connection = await asyncpg.connect(url, **connection_settings(timeout_seconds))
        return connection

    async def connect_to_write(application: str = "rapport-console") -> asyncpg.Connection:
        return await asyncpg.connect(
            url,
            timeout=timeout_seconds,
            command_timeout=timeout_seconds,
            server_settings={"application_name": application},
        )

    retention = RecordRetention(
        partial(connect_to_write, "rapport-access-record"), settings.access_record_days, clock
    )

    events = event_log(settings, metrics) if log is None else log
    party_ids = PartyIds(pepper)
    catalogue = Catalogue()
    decode = partial(decode_record, catalogue=catalogue)
    acceptance = Acceptance(
        catalogue, party_ids, WithoutKeys(), settings.phone_region, event_bytes=settings.event_bytes
    )
    async with (
        following_access(settings, clock) if access is None else nullcontext(access) as letting_in,
        open_database(
            url,
            timeout_seconds=timeout_seconds,
            connections=settings.database_connections,
            most_reads=MOST_REQUESTS_AT_ONCE,
        ) as database,
        events.writer() if writer is None else nullcontext(writer) as appending,
        open_subject_keys(settings, metrics) if keys is None else nullcontext(keys) as subject_keys,
        recorded_reads(url, timeout_seconds) as records,
    ):
        sealing = Acceptance(
            catalogue, party_ids, subject_keys.cipher, settings.phone_region, event_bytes=settings.event_bytes
        )
        watch = PositionWatch(connect, database.replace_connections, most_waiting=_MOST_WAITING)
        hub = Hub(database, watch)
        slot = timedelta(seconds=PAUSE_SECONDS)
        samples = LagSamples(
            SampleTable(database, partial(connect_to_write, "rapport-lag-samples"), slot),
            LagLook(database, events, system_clock),
            system_clock,
            pause_seconds=PAUSE_SECONDS,
        )
        async with asyncio.TaskGroup() as group:
            following = [
                group.create_task(watch.run(), name="position watch"),
                group.create_task(hub.run(), name="hints"),
                group.create_task(retention.run(), name="access record's retention"),
                group.create_task(samples.run(), name="lag samples"),
            ]
            try:
                yield api_app(
                    Reads(database, watch, metrics.api_position_waits),
                    LedgerWrites(LedgerRequests(acceptance, pepper), database, watch, appending, clock),
                    access=letting_in,
                    ledger=LedgerReads(rules.programmes, loyalty(rules.programmes), decode),
                    cases=CaseReads(rules.policies, decode),
                    disclosures=Disclosures(Opener(subject_keys, metrics.personal_data), records, clock),
                    cursors=Cursors(pepper),
                    sessions=Sessions(database, connect_to_write),
                    acting=Acting(sealing, subject_keys, appending, clock),
                    hub=hub,
                    operations=OperationsRoom(
                        samples,
                        Jobs(database, connect_to_write, versions),
                        versions,
                        {each.name: frozenset(of.TYPE for of in each.consumes) for each in read_models},
                        decode,
                        system_clock,
                    ),
                    party_ids=party_ids,
                    phone_region=settings.phone_region,
                    clock=clock,
                    readiness={
                        "database": lambda: _answers(database),
                        "views": lambda: _views_exist(database, read_models),
                        "credentials": letting_in.check_known,
                    },
                    metrics=metrics,
                )
            finally:
                hub.subscriptions.close()
                for task in following:
                    task.cancel()


async def run(settings: Settings, stop: asyncio.Event, on_bound: Callable[[int], None] | None = None) -> None:
    """Serves the query API alone until `stop` is set, then drains.

    Raises `AddressUnavailableError` and `ExposedError`.
    """
    configure_logging(settings.log_level)
    async with api_service(settings, Metrics(CollectorRegistry())) as service:
        await serve(service, settings.host, settings.port, stop, on_bound, on_stop=service.on_stop)


async def _answers(database: Database) -> None:
    await database.read(lambda connection: connection.fetchval("select 1"))


async def _views_exist(database: Database, read_models: Sequence[ReadModel]) -> None:
    names = [f"live.{table.name}" for read_model in read_models for table in read_model.tables]

    async def missing(connection: Any) -> list[str]:
        return [name for name in names if await connection.fetchval("select to_regclass($1)", name) is None]

    absent = await database.read(missing)
    if absent:
        raise DatabaseUnavailableError(f"{', '.join(absent)} does not exist yet: run `rapport migrate`")
