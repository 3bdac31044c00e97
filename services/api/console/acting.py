"""What staff do becomes an event, by the same checks as any sender's; its outcome is what the views make of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from services.api.console.case_actions import SOURCE
from shared.acceptance import Acceptance
from shared.clock import Clock
from shared.http.problems import Problem
from shared.log.port import LogUnavailableError, LogWriter, RecordTooLargeError
from shared.personal_data.subject_keys import SubjectKeys
from shared.position import Position
from shared.refusal import Refusal
from shared.sealed_events import sealed_events
from shared.senders import SourceRegistration

_REGISTERED: Final = SourceRegistration(channel="web")


class Posted(NamedTuple):
    """An event that stands in the log: its id, and the position that includes it."""

    event_id: str
    position: Position


class RefusedActionError(Exception):
    """The event would not be accepted from anybody; the message says why, for whoever filled in the form."""


class Acting:
    """Posts events as the console. `acceptance` and `keys` check and seal them as ingest does."""

    def __init__(self, acceptance: Acceptance, keys: SubjectKeys, writer: LogWriter, clock: Clock) -> None:
        self._acceptance = acceptance
        self._keys = keys
        self._writer = writer
        self._clock = clock

    async def post(self, event: Mapping[str, Any]) -> Posted:
        """Appends an event, which is on stable storage then. The same event again changes nothing.

        Raises `RefusedActionError` where it does not hold what its type asks for, and the problem 503 `log_unavailable`
        or `key_store_unavailable`: then nothing may have been done, and sending it again is safe.
        """
        now: datetime = self._clock()
        taken = self._acceptance.take(Raw(msgspec.json.encode(event)), _OWN, now)
        [ready] = await sealed_events([taken], self._keys)
        if isinstance(ready, Refusal):
            if ready.retryable:
                raise Problem(503, ready.code, f"{ready.detail}; nothing was done", retry_after_seconds=1)
            raise RefusedActionError(ready.detail)
        [appended] = await self._writer.append([ready.record])
        if isinstance(appended, LogUnavailableError):
            detail = f"the event log did not confirm it: {appended.reason}; send it again, it counts once"
            raise Problem(503, "log_unavailable", detail, retry_after_seconds=appended.retry_after_seconds)
        if isinstance(appended, RecordTooLargeError):
            raise RefusedActionError(f"{appended}; write less")
        return Posted(ready.event_id, Position.of_written([appended]))


class _Own:
    """The console itself, as a sender of events."""

    def registration(self, source: str) -> SourceRegistration | None:
        return _REGISTERED if source == SOURCE else None


_OWN: Final = _Own()
