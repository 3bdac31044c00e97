"""The events of one request on their way to the log, and what became of each."""

from collections.abc import Sequence
from typing import Final

from services.ingest.answer import Accepted, Outcome, RepeatOf
from shared.acceptance import KEY_STORE_UNAVAILABLE, AcceptableEvent
from shared.http.problems import Problem
from shared.log.port import Appended, AppendOutcome, LogUnavailableError, NewRecord
from shared.refusal import Refusal

_KEY_STORE_RETRY_SECONDS: Final = 1
_UNWRITTEN: Final = Refusal("internal_error", "the event was not written", retryable=True)


class Batch:
    """The events of one request in the order sent: filled, its `records` appended, then told the outcomes."""

    def __init__(self) -> None:
        self.events: list[AcceptableEvent] = []
        """What is to be written."""
        self.records: list[NewRecord] = []
        """The records of `events`, in their order."""
        self._indices: list[int] = []  # of `events` in the request
        self._outcomes: list[Outcome] = []
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
        self._indices.append(index)
        self.events.append(event)
        self.records.append(event.record)

    def outcomes(self, appended: Sequence[AppendOutcome]) -> Sequence[Outcome]:
        """The outcome of every event, `appended` being those of the records. To be asked once.

        Raises `Problem` 503 `log_unavailable` or `key_store_unavailable` where nothing was accepted because the log, or
        the store of the keys for personal data, was away.
        """
        accepted = 0
        away: list[LogUnavailableError] = []
        for index, event, outcome in zip(self._indices, self.events, appended, strict=True):
            if isinstance(outcome, Appended):
                accepted += 1
                self._outcomes[index] = Accepted(event.event_id, outcome)
                continue
            if isinstance(outcome, LogUnavailableError):
                away.append(outcome)
            self._outcomes[index] = _unwritten(event, outcome)
        if away and not accepted:
            raise _log_unavailable(away)
        if not accepted:
            self._refuse_without_keys()
        return self._outcomes

    def _refuse_without_keys(self) -> None:
        for outcome in self._outcomes:
            if isinstance(outcome, Refusal) and outcome.code == KEY_STORE_UNAVAILABLE:
                detail = (
                    f"none of the events was accepted; of the first that may be sent again: {outcome.detail}"
                )
                raise Problem(
                    503, KEY_STORE_UNAVAILABLE, detail, retry_after_seconds=_KEY_STORE_RETRY_SECONDS
                )


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
