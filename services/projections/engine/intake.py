"""Fetches and prepares the next batch: bounded by events, and by bytes as far as the last records foretell."""

import asyncio
from collections.abc import Sequence

import asyncpg

from services.projections.engine.attempts import ALONE_FROM_ATTEMPT, Attempts, views_left_out
from services.projections.engine.batch import Batch, Decode, entry_left_out, part_of, prepare
from services.projections.engine.generations import LiveView
from services.projections.engine.log_identity import compare_logs
from shared.log.port import LogIdentity, LogReader, StoredRecord

_POLL_SECONDS = 1.0
_BATCH_BYTES = 16 * 1024 * 1024
_FIRST_POLL_RECORDS = 500
_IDENTITY_SECONDS = 5.0


class Intake:
    """Reads one log for one task at a time, and sees to it every 5 s that it is still the same log.

    The first batch, and every one while `one_by_one`, is counted in `attempts` over `connection`, which nothing else
    may use meanwhile: so while `one_by_one`, a batch is to be applied before the next is asked for. That lasts for as
    many records as may have been prepared, and applied together, when a process ended; `in_vain` attempts begin it.
    """

    def __init__(
        self,
        connection: asyncpg.Connection,
        reader: LogReader,
        identity: LogIdentity,
        decode: Decode,
        views: Sequence[LiveView],
        *,
        batch_events: int,
        attempts: Attempts,
        in_vain: int,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._identity = identity
        self._decode = decode
        self._views = views
        self._attempts = attempts
        self._most_records = batch_events
        self._next_records = min(_FIRST_POLL_RECORDS, batch_events)
        prepared = self._next_records + batch_events
        self._alone_records = prepared if in_vain >= ALONE_FROM_ATTEMPT - 1 else 0
        self._first = True
        self._identity_due = asyncio.get_running_loop().time() + _IDENTITY_SECONDS

    @property
    def one_by_one(self) -> bool:
        """Whether each batch is one event, because some event ended the process that handled it."""
        return self._alone_records > 0

    async def next_batch(self) -> Batch:
        """The next batch; empty when no records came within a second. Cancelling it loses what it had read.

        Raises `LogTruncatedError`, `LogReplacedError`, `LogUnavailableError`, and while it counts asyncpg's errors.
        """
        await self._check_identity()
        if self.one_by_one:
            return await self._next_alone()
        records = await self._reader.poll(self._next_records, _POLL_SECONDS)
        if records:
            if self._first:
                await self._attempts.begin(self._connection, records)
                self._first = False
            size_bytes = sum(len(record.value or b"") + len(record.key or b"") for record in records)
            fitting = _BATCH_BYTES * len(records) // max(size_bytes, 1)
            self._next_records = max(1, min(self._most_records, fitting))
        return await prepare(records, self._decode, self._views)

    async def _next_alone(self) -> Batch:
        records = await self._reader.poll(1, _POLL_SECONDS)
        if not records:
            return part_of((), self._views)
        self._first = False
        self._alone_records -= 1
        attempt = await self._attempts.begin(self._connection, records)
        return await self._attempted(records[0], attempt)

    async def _attempted(self, record: StoredRecord, attempt: int) -> Batch:
        left_out = views_left_out(attempt, len(self._views))
        if left_out is not None and not left_out:
            return await prepare([record], self._decode, self._views)
        return part_of([entry_left_out(record, self._decode, self._views, attempt, left_out)], self._views)

    async def _check_identity(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._identity_due:
            compare_logs(self._identity, await self._reader.identity())
            self._identity_due = now + _IDENTITY_SECONDS
