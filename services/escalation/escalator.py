"""Looks for breached clocks and posts their escalations, through the checks that posted events pass."""

import asyncio
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg
import structlog
from msgspec import Raw, json

from services.escalation.breached_cases import breached_cases, reading_connection
from services.escalation.posted_escalations import PostedEscalations
from services.projections.complaints.escalation import escalations
from services.projections.complaints.escalation_id import ESCALATOR
from services.projections.read_models.declaration import Row
from shared.acceptance import AcceptableEvent, Acceptance
from shared.clock import Clock
from shared.log.port import Appended, LogWriter
from shared.metrics import EscalationMetrics
from shared.refusal import Refusal
from shared.senders import SourceRegistration

LOOK_SECONDS: Final = 10.0
"""From the end of a look to the next, and the longest pause after a failure."""
MOST_REMEMBERED: Final = 100_000

_FIRST_PAUSE_SECONDS: Final = 0.5
_DATABASE_ERRORS: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError,
                           asyncpg.InternalClientError)  # fmt: skip


class EscalationFailedError(Exception):
    """A look did not post all that was to be posted, for the reason it says. The next look makes up for it.

    `part` is `database` or `log`.
    """

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(detail)
        self.part = part


class _Posted(NamedTuple):
    """How many the log confirmed, and why it did not confirm another."""

    posted: int
    unconfirmed: str | None


class Escalator:
    """Posts `complaint.escalated` for breached clocks. Any number may run at once, in any processes: the id follows
    from the clock, and of equal ids the first counts. It reads what readers see, so rebuilds are none of its business.
    """

    def __init__(
        self,
        database_url: str,
        database_timeout_seconds: float,
        writer: LogWriter,
        acceptance: Acceptance,
        metrics: EscalationMetrics,
        *,
        clock: Clock,
        received: Clock,
        most_remembered: int = MOST_REMEMBERED,
    ) -> None:
        """`clock` is the time that clocks of complaints are judged by, `received` that at which events are recorded."""
        self._database_url = database_url
        self._timeout_seconds = database_timeout_seconds
        self._writer = writer
        self._acceptance = acceptance
        self._metrics = metrics
        self._clock = clock
        self._received = received
        self._posted = PostedEscalations(most_remembered)

    async def run(self, stop: asyncio.Event, look_seconds: float = LOOK_SECONDS) -> None:
        """Looks again and again until `stop`, whatever fails meanwhile; after a failure it waits less, then longer."""
        pause = 0.0
        while not stop.is_set():
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - nothing that a look meets may end what else this process does
                pause = min(max(2 * pause, _FIRST_PAUSE_SECONDS), look_seconds)
                self._log_failure(error, pause)
            else:
                pause = 0.0
            await _stopped(stop, pause or look_seconds)

    async def look(self) -> int:
        """Posts what is to be posted now and answers how many events that were, each clock's once in this process.

        At most one escalation a complaint: what follows from it is seen once the views show it. Bounded by the number
        of breached cases, a page of them at a time. Raises `EscalationFailedError`.
        """
        at = self._clock()
        posted = 0
        unconfirmed: str | None = None
        try:
            async with reading_connection(self._database_url, self._timeout_seconds) as connection:
                async for cases in breached_cases(connection, at):
                    done = await self._post(cases, at)
                    posted += done.posted
                    unconfirmed = unconfirmed or done.unconfirmed
                    if done.unconfirmed and not done.posted:
                        break  # the log is away altogether; else some of its partitions take what comes later
        except asyncpg.UndefinedTableError as error:
            detail = f"the view of complaints does not exist yet: run `rapport migrate` ({error})"
            raise self._failed("database", detail) from error
        except _DATABASE_ERRORS as error:
            detail = f"PostgreSQL cannot be read now: {str(error) or type(error).__name__}"
            raise self._failed("database", detail) from error
        if unconfirmed is not None:
            raise self._failed("log", f"the event log did not confirm an escalation: {unconfirmed}")
        self._metrics.look_timestamp_seconds.set(self._received().timestamp())
        return posted

    async def _post(self, cases: list[tuple[str, Row]], at: datetime) -> _Posted:
        accepted = [
            each
            for event in escalations(cases, at)
            if event["id"] not in self._posted and (each := self._accepted(event)) is not None
        ]
        if not accepted:
            return _Posted(0, None)
        outcomes = await self._writer.append([each.record for each in accepted])
        posted = 0
        for event, outcome in zip(accepted, outcomes, strict=True):
            if isinstance(outcome, Appended):
                self._posted.add(event.event_id)
                posted += 1
        self._metrics.posted.inc(posted)
        failed = [each for each in outcomes if not isinstance(each, Appended)]
        return _Posted(posted, str(failed[0]) if failed else None)

    def _accepted(self, event: dict[str, Any]) -> AcceptableEvent | None:
        """The event for the log. One that is refused would be refused again, so it is told of once and left out."""
        found = self._acceptance.of(Raw(json.encode(event)), _OWN, self._received())
        if isinstance(found, Refusal):
            self._posted.add(event["id"])
            self._metrics.failures.labels("refused").inc()
            log = structlog.get_logger("rapport.escalation")
            log.error("escalation_refused", event_id=event["id"], code=found.code, detail=found.detail)
            return None
        return found

    def _failed(self, part: str, detail: str) -> EscalationFailedError:
        self._metrics.failures.labels(part).inc()
        return EscalationFailedError(part, detail)

    def _log_failure(self, error: Exception, pause: float) -> None:
        log = structlog.get_logger("rapport.escalation")
        if isinstance(error, EscalationFailedError):
            log.warning("escalation_failed", part=error.part, detail=str(error), again_in_seconds=pause)
        else:
            self._metrics.failures.labels("unexpected").inc()
            log.error("escalation_failed", part="unexpected", again_in_seconds=pause, exc_info=error)


async def _stopped(stop: asyncio.Event, within_seconds: float) -> None:
    try:
        async with asyncio.timeout(within_seconds):
            await stop.wait()
    except TimeoutError:
        pass


class _Own:
    """The scheduler itself, as a sender of events."""

    def registration(self, source: str) -> SourceRegistration | None:
        return _REGISTERED if source == ESCALATOR else None


_REGISTERED: Final = SourceRegistration()
_OWN: Final = _Own()
