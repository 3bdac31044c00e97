"""What ingest tells about its work: metrics for all of it, log lines for what was refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.ingest.answer import Answer, Outcome, RepeatOf
from shared.acceptance import AcceptableEvent
from shared.log.port import Appended, AppendOutcome
from shared.metrics import Metrics
from shared.refusal import Refusal

_MOST_LINES_A_REQUEST: Final = 50


class Observation:
    """Counts and logs. Never blocks; with `log_accepted` false an accepted event costs no log call at all."""

    def __init__(self, metrics: Metrics, log: Any, *, log_accepted: bool) -> None:
        self._events = metrics.ingest_events
        self._accepted = metrics.ingest_events.labels("accepted", "")
        self._duplicates = metrics.ingest_events.labels("duplicate", "")
        self._clock_skew_seconds = metrics.ingest_clock_skew_seconds
        self.request_seconds = metrics.ingest_request_seconds.observe
        self._log = log
        self._log_accepted = log_accepted

    def problem(self, code: str, trace_id: str) -> None:
        """A whole request was refused."""
        self._log.info("request_refused", code=code, trace_id=trace_id)

    def answered(self, answer: Answer, outcomes: Sequence[Outcome]) -> None:
        """A request was answered event by event."""
        if answer.accepted:
            self._accepted.inc(answer.accepted)
        if answer.duplicates:
            self._duplicates.inc(answer.duplicates)
        if answer.rejected:
            self._rejected(outcomes)

    def handed_over(
        self, events: Sequence[AcceptableEvent], appended: Sequence[AppendOutcome], now: datetime
    ) -> None:
        """Events, received at `now`, were handed to the log, which answered `appended`."""
        for event in events:
            if event.sent_at is not None:
                self._clock_skew_seconds.observe((now - event.sent_at).total_seconds())
        if not self._log_accepted:
            return
        for event, outcome in zip(events, appended, strict=True):
            if isinstance(outcome, Appended):
                self._log.debug(
                    "event_accepted",
                    event_id=event.event_id,
                    source=event.source,
                    partition=outcome.partition,
                    offset=outcome.offset,
                )

    def _rejected(self, outcomes: Sequence[Outcome]) -> None:
        lines = 0
        for outcome in outcomes:
            refusal = outcomes[outcome.first] if isinstance(outcome, RepeatOf) else outcome
            if not isinstance(refusal, Refusal):
                continue
            self._events.labels("rejected", refusal.code).inc()
            lines += 1
            if lines <= _MOST_LINES_A_REQUEST:
                self._log.info(
                    "event_rejected",
                    event_id=refusal.event_id,
                    source=refusal.source,
                    code=refusal.code,
                    detail=refusal.detail,
                )
        if lines > _MOST_LINES_A_REQUEST:
            self._log.info("more_events_rejected", count=lines - _MOST_LINES_A_REQUEST)
