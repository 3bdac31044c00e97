"""Writing the events of one request to the log, and telling for each what became of it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.ingest.accept import AcceptableEvent
from services.ingest.answer import Accepted, Outcome, RepeatOf
from services.ingest.refusal import Refusal
from shared.http.problems import Problem
from shared.log.port import Appended, AppendOutcome, LogUnavailableError, LogWriter

_UNWRITTEN: Final = Refusal("internal_error", "the event was not written", retryable=True)


class _Waiting(NamedTuple):
    at: int
    event: AcceptableEvent


class Batch:
    """The events of one request in the order sent. Filled, written once, then done with."""

    def __init__(self) -> None:
        self._outcomes: list[Outcome] = []
        self._waiting: list[_Waiting] = []
        self._first_index: dict[tuple[str, str], int] = {}

    def add(self, event: AcceptableEvent | Refusal) -> None:
        """Adds the next event. A repeat of the (source, id) of an acceptable one before is not written."""
        index = len(self._outcomes)
        if isinstance(event, Refusal):
            self._outcomes.append(event)
            return
        first = self._first_index.setdefault((event.source, event.event_id), index)
        if first != index:
            self._outcomes.append(RepeatOf(event.event_id, first))
            return
        self._outcomes.append(_UNWRITTEN)
        self._waiting.append(_Waiting(index, event))

    async def write(self, writer: LogWriter) -> Sequence[Outcome]:
        """Appends what is acceptable, all in one go, and gives the outcome of every event.

        Raises `Problem` 503 `log_unavailable` where nothing was accepted because the log was away.
        """
        if not self._waiting:
            return self._outcomes
        appended = await writer.append([waiting.event.record for waiting in self._waiting])
        accepted = 0
        away: list[LogUnavailableError] = []
        for (at, event), outcome in zip(self._waiting, appended, strict=True):
            if isinstance(outcome, Appended):
                accepted += 1
                self._outcomes[at] = Accepted(event.event_id, outcome)
                continue
            if isinstance(outcome, LogUnavailableError):
                away.append(outcome)
            self._outcomes[at] = _unwritten(event, outcome)
        if away and not accepted:
            raise _log_unavailable(away)
        return self._outcomes

    def written(self) -> list[tuple[AcceptableEvent, Outcome]]:
        """The events that were handed to the log, each with its outcome."""
        return [(event, self._outcomes[at]) for at, event in self._waiting]


def _unwritten(event: AcceptableEvent, outcome: AppendOutcome) -> Refusal:
    if isinstance(outcome, LogUnavailableError):
        detail = (
            f"the event log did not confirm this event: {outcome.reason}; send it again, repeats are dropped"
        )
        return Refusal("log_unavailable", detail, "", True, event.event_id, event.source)
    return Refusal("event_too_large", str(outcome), "", False, event.event_id, event.source)


def _log_unavailable(away: Sequence[LogUnavailableError]) -> Problem:
    retry_after_seconds = max(error.retry_after_seconds for error in away)
    detail = f"the event log took none of the events: {away[0].reason}; send them again, repeats are dropped"
    return Problem(503, "log_unavailable", detail, retry_after_seconds=retry_after_seconds)
