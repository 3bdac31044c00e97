"""One scoring run, from the look at the clock to the rows that readers see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg
from msgspec import json

from services.projections.analytics.settings_file import AnalyticsSettings
from services.projections.analytics.terms import terms_of
from services.scoring.customer_base import read_base
from services.scoring.failures import ScoringBusyError, ScoringFailedError, ScoringRefusedError
from services.scoring.found import Times, find, score_again
from services.scoring.histories import Asked
from services.scoring.posted_run import post_run
from services.scoring.progress import Report
from services.scoring.score_rows import write_rows
from services.scoring.score_tables import show
from shared.acceptance import Acceptance
from shared.clock import Clock
from shared.events.analytics import AnalyticsRunCompleted
from shared.log.port import LogWriter

TESTED_WEEKS: Final = 39
"""How far a backtest looks ahead of its day unless it is told otherwise: three quarters of a year."""
_LOCK: Final = 0x52617053
"""The advisory lock that one run holds."""
_STATEMENT_TIMEOUT: Final = "30min"
_CONNECT_SECONDS: Final = 5.0
_DATABASE_ERRORS: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError,
                           asyncpg.InternalClientError)  # fmt: skip


class Wanted(NamedTuple):
    """What a run is asked for: `as_of` None means now, a date the end of that day; the backtest's day None means the
    horizon before.
    """

    as_of: datetime | date | None = None
    backtest_at: date | None = None
    horizon_weeks: int = TESTED_WEEKS


@dataclass(frozen=True, slots=True)
class Scoring:
    """How runs are made of one deployment: its database, its log, its settings, and two clocks.

    `clock` is what is now for whoever asks for scores, `received` when events are recorded.
    """

    database_url: str
    writer: LogWriter
    acceptance: Acceptance
    settings: AnalyticsSettings
    clock: Clock
    received: Clock

    async def run(self, wanted: Wanted, report: Report) -> AnalyticsRunCompleted:
        """Reads, finds, posts and shows. Until it is posted nothing has changed; what is posted counts even if the
        rows then fail, which `rows` makes up for. Repeated on unchanged customers it is the same run.

        Blocks the event loop while it computes. Raises `ScoringRefusedError`, `ScoringBusyError`,
        `ScoringFailedError`, `ScoresBusyError`.
        """
        times = times_of(wanted, self.settings.zone, self.clock())
        async with self._connection() as connection:
            base = await read_base(connection, _asked(self.settings, times), report)
            found = find(base, self.settings, times, report)
            report("writing scores")
            schema = await write_rows(connection, base, found)
            await post_run(self.writer, self.acceptance, found.run, self.received())
            await show(connection, schema)
        return found.run

    async def rows(self, run_id: str, report: Report) -> AnalyticsRunCompleted:
        """Makes the rows of a recorded run again, under what it found, of customers as they are now known.

        Fits nothing and posts nothing. Raises as `run` does.
        """
        async with self._connection() as connection:
            row = await connection.fetchrow("select run from live.analytics_runs where run_id = $1", run_id)
            if row is None:
                raise ScoringRefusedError(
                    f"there is no run {run_id}; GET /v1/analytics/runs lists those that there are"
                )
            run = json.decode(row["run"], type=AnalyticsRunCompleted)
            terms = terms_of(run)
            today = run.as_of.astimezone(ZoneInfo(terms.zone)).date()
            asked = Asked(run.as_of, run.as_of, terms.zone, terms.base_currency, terms.rates)
            base = await read_base(connection, asked, report)
            report("scoring")
            found = score_again(base, run, today)
            report("writing scores")
            await show(connection, await write_rows(connection, base, found))
        return run

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the only run at work. Raises `ScoringBusyError` and `ScoringFailedError`."""
        try:
            connection = await asyncpg.connect(
                self.database_url,
                timeout=_CONNECT_SECONDS,
                server_settings={
                    "application_name": "rapport score",
                    "client_connection_check_interval": "250ms",
                    "statement_timeout": _STATEMENT_TIMEOUT,
                    "timezone": "UTC",
                },
            )
            try:
                if not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK):
                    raise ScoringBusyError(
                        "another scoring run is at work on this database; wait for it to end, and run this again"
                    )
                yield connection
            finally:
                connection.terminate()
        except asyncpg.UndefinedTableError as error:
            detail = (
                f"a view does not exist yet ({error}): run `rapport migrate`, then `rapport rebuild --all`"
            )
            raise ScoringFailedError("database", detail) from error
        except _DATABASE_ERRORS as error:
            detail = f"PostgreSQL did not answer: {str(error) or type(error).__name__}; run it again"
            raise ScoringFailedError("database", detail) from error


def times_of(wanted: Wanted, zone: str, now: datetime) -> Times:
    """The times of a run. Raises `ScoringRefusedError` for those that lie ahead."""
    of = ZoneInfo(zone)
    as_of = wanted.as_of if wanted.as_of is not None else now
    if not isinstance(as_of, datetime):
        as_of = datetime.combine(as_of, time.max, of)
        as_of = min(as_of, now) if as_of.date() == now.astimezone(of).date() else as_of
    if as_of > now:
        raise ScoringRefusedError(
            f"a run as of {as_of.isoformat()} would score what has not happened: it is {now.isoformat()} now"
        )
    today = as_of.astimezone(of).date()
    ahead = timedelta(weeks=wanted.horizon_weeks)
    tested_on = wanted.backtest_at if wanted.backtest_at is not None else today - ahead
    if tested_on + ahead > today:
        raise ScoringRefusedError(
            f"{wanted.horizon_weeks} weeks after {tested_on} is {tested_on + ahead}, later than the run, which is of "
            f"{today}; look back from an earlier day, or over fewer weeks"
        )
    return Times(as_of, today, tested_on, wanted.horizon_weeks)


def _asked(settings: AnalyticsSettings, times: Times) -> Asked:
    end_of_test_day = datetime.combine(times.tested_on, time.max, ZoneInfo(settings.zone))
    return Asked(times.as_of, end_of_test_day, settings.zone, settings.base_currency, settings.rates)
