"""Records on their way into a log: a bounded buffer in which each waits a bounded time for its outcome."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct

from shared.log.port import Appended, AppendOutcome, LogUnavailableError, NewRecord
from shared.metrics import Metrics

BUSY_RETRY_SECONDS = 1
AWAY_RETRY_SECONDS = 5


class AppendBounds(NamedTuple):
    """How long a record waits for its outcome at most, and what may wait at once."""

    timeout_seconds: float = 4.0
    bytes: int = 64 * 1024 * 1024
    records: int = 200_000


USUAL_BOUNDS = AppendBounds()


class Waiting(Struct, eq=False):
    """One record that waits for its outcome. `record` is None once it has one."""

    request: "_Request"
    index: int
    record: NewRecord | None
    size_bytes: int
    handed_over: bool = False
    """Whether the log may have it by now."""


class _Request(Struct, eq=False):
    """The records of one append."""

    done: asyncio.Future[None]
    expires_at: float
    missing: int
    outcomes: list[AppendOutcome | None]
    waiting: list[Waiting] = []


class AppendBuffer:
    """Takes appends from many tasks and hands them, in order, to the one task that writes to the log.

    Bounds the bytes and records that wait; what is over the bound is turned away at once, a request whole.
    To be made where the event loop runs.
    """

    def __init__(self, metrics: Metrics, bounds: AppendBounds) -> None:
        self._metrics = metrics
        self._bounds = bounds
        self._bytes = 0
        self._records = 0
        self._incoming: deque[Waiting] = deque()
        self._loop = asyncio.get_running_loop()
        self._unanswered: dict[_Request, None] = {}  # oldest first
        self._expiry: asyncio.TimerHandle | None = None
        self._closed = False
        self._empty = asyncio.Event()
        self._empty.set()
        self.arrived = asyncio.Event()
        """Set when there is something to take; whoever takes clears it."""
        self.away_because = "the event log has not answered yet"
        """What to tell those whose time is up; the writing task keeps it current."""
        metrics.log_pending_bytes.set_function(lambda: self._bytes)

    @property
    def waiting_records(self) -> int:
        """How many records have no outcome yet, wherever they are."""
        return self._records

    async def append(self, records: Sequence[NewRecord]) -> list[AppendOutcome]:
        """One outcome a record, after at most the time-out. Cancelling withdraws what is still here."""
        if not records:
            return []
        started = time.perf_counter()
        bounds, count = self._bounds, len(records)
        sizes = [len(key) + len(value) for key, value in records]
        size_bytes = sum(sizes)
        if self._closed:
            return self._turned_away(count, "the service is shutting down", "closed")
        if self._bytes + size_bytes > bounds.bytes or self._records + count > bounds.records:
            return self._turned_away(count, "too many events are waiting for the event log", "buffer_full")
        loop = self._loop
        request = _Request(loop.create_future(), loop.time() + bounds.timeout_seconds, count, [None] * count)
        request.waiting = [
            Waiting(request, index, record, sizes[index]) for index, record in enumerate(records)
        ]
        self._bytes += size_bytes
        self._records += len(records)
        self._empty.clear()
        self._incoming.extend(request.waiting)
        self.arrived.set()
        self._unanswered[request] = None
        if self._expiry is None:
            self._expiry = loop.call_at(request.expires_at, self._expire)
        try:
            await request.done
        finally:
            del self._unanswered[request]
            if request.missing:
                self._give_up(request, "the request was cancelled", "cancelled")
        self._metrics.log_append_seconds.observe(time.perf_counter() - started)
        return [outcome for outcome in request.outcomes if outcome is not None]

    def take(self, max_records: int, max_bytes: int) -> list[Waiting]:
        """The oldest records that still wait, within both bounds but at least one where there is one."""
        taken: list[Waiting] = []
        size_bytes = 0
        incoming = self._incoming
        while incoming and len(taken) < max_records:
            waiting = incoming[0]
            if waiting.record is not None:
                size_bytes += waiting.size_bytes
                if size_bytes > max_bytes and taken:
                    break
                taken.append(waiting)
            incoming.popleft()
        if not incoming:
            self.arrived.clear()
        return taken

    def put_back(self, taken: Sequence[Waiting]) -> None:
        """Puts records that surely did not reach the log back at the head, to be tried until they expire."""
        for waiting in taken:
            waiting.handed_over = False
        self._incoming.extendleft(reversed(taken))
        self.arrived.set()

    def answer(self, waiting: Waiting, outcome: AppendOutcome) -> None:
        """Gives a record its outcome, unless its time was up before."""
        if waiting.record is None:
            return
        waiting.record = None
        self._bytes -= waiting.size_bytes
        self._records -= 1
        if not self._records:
            self._empty.set()
        request = waiting.request
        request.outcomes[waiting.index] = outcome
        request.missing -= 1
        if not request.missing:
            request.waiting = []
            if not request.done.done():
                request.done.set_result(None)

    def answer_appended(self, batch: Sequence[Waiting], partition: int, base_offset: int) -> None:
        """Answers a batch that lies in the log from `base_offset` on."""
        for offset, waiting in enumerate(batch, base_offset):
            self.answer(waiting, Appended(partition, offset))

    def answer_unavailable(self, batch: Sequence[Waiting], reason: str, label: str) -> None:
        """Answers a batch that the log did not acknowledge; what was handed over may be written."""
        for waiting in batch:
            if waiting.record is not None:
                self._metrics.log_append_failures.labels(label).inc()
                self.answer(
                    waiting,
                    LogUnavailableError(
                        reason, retry_after_seconds=AWAY_RETRY_SECONDS, maybe_written=waiting.handed_over
                    ),
                )

    async def drained(self, timeout_seconds: float) -> None:
        """Returns when nothing waits any more, or after this long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._empty.wait()

    def close(self) -> None:
        """From now on every append is turned away; what waits is still answered."""
        self._closed = True

    def fail_rest(self, reason: str) -> None:
        """Answers everything that was not taken. Ends nothing that was."""
        self.answer_unavailable(tuple(self._incoming), reason, "closed")
        self._incoming.clear()

    def _turned_away(self, size: int, reason: str, label: str) -> list[AppendOutcome]:
        self._metrics.log_append_failures.labels(label).inc(size)
        return [
            LogUnavailableError(reason, retry_after_seconds=BUSY_RETRY_SECONDS, maybe_written=False)
            for _ in range(size)
        ]

    def _expire(self) -> None:
        """Gives up on those whose time is up. One timer serves all requests, for all have equally long."""
        self._expiry = None
        now = self._loop.time()
        for request in self._unanswered:
            if request.expires_at > now:
                self._expiry = self._loop.call_at(request.expires_at, self._expire)
                return
            self._give_up(request, self.away_because, "timeout")

    def _give_up(self, request: _Request, reason: str, label: str) -> None:
        self.answer_unavailable(request.waiting, reason, label)
        while self._incoming and self._incoming[0].record is None:
            self._incoming.popleft()
