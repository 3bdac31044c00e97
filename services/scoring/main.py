"""The composition root of scoring runs."""

from prometheus_client import CollectorRegistry

from services.projections.analytics.settings_file import analytics_settings
from services.scoring.progress import Report
from services.scoring.scoring_run import Scoring, Wanted
from shared.acceptance import Acceptance
from shared.clock import Clock, system_clock
from shared.events.analytics import AnalyticsRunCompleted
from shared.events.catalogue import Catalogue
from shared.field_cipher import WithoutKeys
from shared.identifiers import PartyIds
from shared.log.choose import event_log
from shared.log.port import LogWriter
from shared.metrics import Metrics
from shared.settings import Settings


def scoring_of(settings: Settings, writer: LogWriter, clock: Clock = system_clock) -> Scoring:
    """How runs of a deployment are made that appends with a writer. Connects to nothing yet. Raises `RuleFileError`."""
    return Scoring(
        settings.database_url.get_secret_value(),
        writer,
        acceptance_of(settings),
        analytics_settings(settings.analytics),
        clock,
        system_clock,
    )


def acceptance_of(settings: Settings) -> Acceptance:
    """The checks that events of runs pass as posted ones do."""
    return Acceptance(
        Catalogue(),
        PartyIds(settings.identifier_pepper.get_secret_value()),
        WithoutKeys(),
        settings.phone_region,
        event_bytes=settings.event_bytes,
    )


async def score(
    settings: Settings, wanted: Wanted, report: Report, clock: Clock = system_clock
) -> AnalyticsRunCompleted:
    """One run. Raises `RuleFileError` and what `Scoring.run` raises."""
    async with event_log(settings, Metrics(CollectorRegistry())).writer() as writer:
        return await scoring_of(settings, writer, clock).run(wanted, report)


async def make_rows(settings: Settings, run_id: str, report: Report) -> AnalyticsRunCompleted:
    """The rows of a recorded run again. Raises as `score` does."""
    async with event_log(settings, Metrics(CollectorRegistry())).writer() as writer:
        return await scoring_of(settings, writer).rows(run_id, report)
