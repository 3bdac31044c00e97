"""Asks the ledger for something through the log, and waits for what it decides."""

import zlib
from typing import Final, NamedTuple

from services.api.database import Database, DatabaseUnavailableError
from services.api.ledger_requests import SOURCE, Asked, LedgerRequest, LedgerRequests
from services.api.position_watch import PositionNotReachedError, PositionWatch
from services.projections.loyalty.outcomes import Found, Told, outcome
from shared.clock import Clock
from shared.codec import event_hash
from shared.http.problems import Problem
from shared.log.port import Appended, LogUnavailableError, LogWriter, RecordTooLargeError
from shared.position import Position

_RETRY_SECONDS: Final = 1


class Decided(NamedTuple):
    """The ledger has taken the request up: `told` is what it made of it, in the snapshot at `position`."""

    request: LedgerRequest
    found: Found
    told: Told
    position: Position


class Pending(NamedTuple):
    """The request stands in the log, within `position`, and the ledger has not taken it up, for this `reason`."""

    request: LedgerRequest
    position: Position
    reason: str


class LedgerWrites:
    """Appends requests and answers what became of them. Shared by all routes of a process.

    A request that the log has by its id is never appended again once the views have seen it; an append that is repeated
    before that is dropped by the projections. So a retry gets the outcome of the first, whichever process it reaches
    and wherever the one before it broke off.
    """

    def __init__(
        self,
        requests: LedgerRequests,
        database: Database,
        watch: PositionWatch,
        writer: LogWriter,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._database = database
        self._watch = watch
        self._writer = writer
        self._clock = clock

    async def decide(self, asked: Asked, wait_seconds: int) -> Decided | Pending:
        """What the ledger made of a request, waiting at most so long for it once it stands in the log.

        Raises the problems 422 for what is wrong with the request and `idempotency_key_reused`, 413 `too_large`, 503
        `log_unavailable` and, as long as nothing was appended, 503 `database_unavailable`. Cancelled, it may have
        appended or not; repeating is safe.
        """
        request = self._requests.of(asked, self._clock())
        try:
            found, position = await self._read(request)
        except DatabaseUnavailableError as error:
            raise Problem(
                503,
                "database_unavailable",
                f"{error}; this time nothing was done, send it again with the same Idempotency-Key",
                retry_after_seconds=_RETRY_SECONDS,
            ) from error
        told = found.told
        _refuse_reuse(request, told)
        if told is None:
            place = await self._append(request)
        elif told.within(position):
            return _decided(request, found, told, position)
        else:
            place = Appended(told.partition, told.log_offset)
        return await self._await(request, place, wait_seconds)

    async def _append(self, request: LedgerRequest) -> Appended:
        (appended,) = await self._writer.append([request.record])
        if isinstance(appended, LogUnavailableError):
            detail = (
                f"the event log did not confirm the request: {appended.reason}; send it again with the same "
                "Idempotency-Key, and it counts once"
            )
            raise Problem(503, "log_unavailable", detail, retry_after_seconds=appended.retry_after_seconds)
        if isinstance(appended, RecordTooLargeError):
            raise Problem(413, "too_large", f"{appended}; send shorter texts")
        return appended

    async def _await(self, request: LedgerRequest, place: Appended, wait_seconds: int) -> Decided | Pending:
        """The request stands in the log by now, so whatever else fails, it is pending."""
        written = Position.of_written([place])
        try:
            await self._watch.reach(written, wait_seconds)
        except PositionNotReachedError:
            return Pending(request, written, "the ledger has not reached it yet")
        except DatabaseUnavailableError:
            pass  # the read itself tells
        try:
            found, position = await self._read(request)
        except DatabaseUnavailableError:
            return Pending(request, written, "the database of the ledger does not answer")
        _refuse_reuse(request, found.told)
        if found.told is None or not position.includes(written):
            return Pending(request, written, "the ledger has not reached it yet")
        return _decided(request, found, found.told, position)

    async def _read(self, request: LedgerRequest) -> tuple[Found, Position]:
        return await self._database.read(
            lambda connection: outcome(
                connection,
                request.sought,
                event_hash=event_hash(SOURCE, request.event_id),
                partition_hash=zlib.crc32(request.record.key),
            )
        )


def _refuse_reuse(request: LedgerRequest, told: Told | None) -> None:
    """Raises the problem 422 where the key came first with another body: the first one is what the log holds."""
    if told is not None and request.wish_in(told.data) != request.wish:
        detail = (
            "this Idempotency-Key came before with another body, and that request stands; send the very same request "
            "to learn its outcome, or another key for another request"
        )
        raise Problem(422, "idempotency_key_reused", detail)


def _decided(request: LedgerRequest, found: Found, told: Told, position: Position) -> Decided | Pending:
    if told.parked == "waiting":
        reason = (
            "the ledger could not take up an event of this account and keeps this request behind it; operators see "
            "it with `rapport parked list` and redrive it"
        )
        return Pending(request, position, reason)
    return Decided(request, found, told, position)
