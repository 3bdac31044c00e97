"""`POST /v1/events` on bare ASGI: the framework's validation would cost more than all the work."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from time import perf_counter
from typing import Final

import msgspec
from msgspec import Raw
from starlette.types import Receive, Scope, Send

from services.ingest.answer import Answer, answer_of
from services.ingest.body import Body, ClientGoneError
from services.ingest.content_modes import events_in
from services.ingest.credentials import CredentialCheck
from services.ingest.limits import BodyMemory, Limits
from services.ingest.observation import Observation
from services.ingest.writing import Batch
from shared.acceptance import AcceptableEvent, Acceptance, AwaitingKeys
from shared.clock import Clock
from shared.http.problems import Problem, internal_error, send_problem, trace_id_of
from shared.log.port import LogWriter
from shared.personal_data.subject_keys import SubjectKeys
from shared.refusal import Refusal
from shared.sealed_events import sealed_events
from shared.senders import Sender

PATH: Final = "/v1/events"
_EVENTS_A_TURN: Final = 200  # then other requests have theirs
_BYTES_A_TURN: Final = 128 * 1024  # likewise, for large events, in whose texts card numbers are searched
_DIGITS_OF_SANE_LENGTH: Final = 19
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_JSON: Final = (b"content-type", b"application/json")
_encode: Final = msgspec.json.Encoder().encode


class EventPosting:
    """The ASGI application behind `POST /v1/events`; other methods get 405."""

    def __init__(
        self,
        *,
        acceptance: Acceptance,
        keys: SubjectKeys,
        writer: LogWriter,
        credentials: CredentialCheck,
        limits: Limits,
        clock: Clock,
        observation: Observation,
    ) -> None:
        self._acceptance = acceptance
        self._keys = keys
        self._writer = writer
        self._credentials = credentials
        self._limits = limits
        self._clock = clock
        self._observation = observation
        self._memory = BodyMemory()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. A client that hung up before its request was complete gets no answer."""
        began = perf_counter()
        limits: tuple[tuple[bytes, bytes], ...] = ()
        try:
            headers = _headers(scope)
            sender, limits = await self._credentials.told(headers)
            answer = await self._answer(receive, headers, sender)
        except ClientGoneError:
            return
        except Problem as problem:
            self._observation.problem(problem.code, trace_id_of(scope))
            problem.headers.update((name.decode(), value.decode()) for name, value in limits)
            await send_problem(problem, scope, send)
        except Exception as error:  # noqa: BLE001 - the last resort: logged, and told without internals
            await send_problem(internal_error(scope, error), scope, send)
        else:
            body = _encode(answer)
            told = [_JSON, (b"content-length", b"%d" % len(body)), *limits]
            await send({"type": "http.response.start", "status": answer.status(), "headers": told})
            await send({"type": "http.response.body", "body": body})
        self._observation.request_seconds(perf_counter() - began)

    async def _answer(self, receive: Receive, headers: Mapping[bytes, bytes], sender: Sender) -> Answer:
        body = Body(self._memory, self._limits)
        try:
            text = await body.read(receive, headers.get(b"content-encoding", b""), _declared_bytes(headers))
            now = self._clock()
            traceparent = _traceparent(headers)
            batch = await self._batch(events_in(headers, text, self._limits), sender, now, traceparent)
            appended = await self._writer.append(batch.records) if batch.records else ()
        finally:
            body.release()
        outcomes = batch.outcomes(appended)
        answer = answer_of(outcomes)
        self._observation.answered(answer, outcomes)
        self._observation.handed_over(batch.events, appended, now)
        return answer

    async def _batch(
        self, events: Iterable[Raw | Refusal], sender: Sender, now: datetime, traceparent: str | None
    ) -> Batch:
        """The events of a request, checked, and sealed where they hold personal data. Raises `Problem`."""
        batch = Batch()
        waiting: list[
            AcceptableEvent | Refusal | AwaitingKeys
        ] = []  # the first that awaits its keys, and all after it
        turn_bytes = 0
        for number, sent in enumerate(events, start=1):
            event = self._acceptance.take(sent, sender, now, traceparent)
            if waiting or isinstance(event, AwaitingKeys):
                waiting.append(event)
            else:
                batch.add(event)
            turn_bytes += len(sent) if isinstance(sent, Raw) else 0
            if number % _EVENTS_A_TURN == 0 or turn_bytes > _BYTES_A_TURN:
                turn_bytes = 0
                await asyncio.sleep(0)
        if waiting:
            for ready in await sealed_events(waiting, self._keys):
                batch.add(ready)
        return batch


def _headers(scope: Scope) -> dict[bytes, bytes]:
    if scope["method"] != "POST":
        detail = f"{scope['method']} is not served at {PATH}; post events there"
        raise Problem(405, "method_not_allowed", detail, headers={"allow": "POST"})
    return dict(scope["headers"])


def _declared_bytes(headers: Mapping[bytes, bytes]) -> int:
    """The body's size as announced, 0 where it is not; only ever a reason to refuse early."""
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() and len(declared) < _DIGITS_OF_SANE_LENGTH else 0


def _traceparent(headers: Mapping[bytes, bytes]) -> str | None:
    value = headers.get(b"traceparent")
    return value.decode() if value is not None and _TRACEPARENT.fullmatch(value) else None
