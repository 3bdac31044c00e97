"""Fetches and prepares the next batch: bounded by events, and by bytes as far as the last records foretell."""

import asyncio
from collections.abc import Sequence

from services.projections.engine.batch import Batch, Decode, prepare
from services.projections.engine.generations import LiveView
from services.projections.engine.log_identity import compare_logs
from shared.log.port import LogIdentity, LogReader

_POLL_SECONDS = 1.0
_BATCH_BYTES = 16 * 1024 * 1024
_FIRST_POLL_RECORDS = 500
_IDENTITY_SECONDS = 5.0


class Intake:
    """Reads one log for one task at a time, and sees to it every 5 s that it is still the same log."""

    def __init__(
        self,
        reader: LogReader,
        identity: LogIdentity,
        decode: Decode,
        views: Sequence[LiveView],
        batch_events: int,
    ) -> None:
        self._reader = reader
        self._identity = identity
        self._decode = decode
        self._views = views
        self._most_records = batch_events
        self._next_records = min(_FIRST_POLL_RECORDS, batch_events)
        self._identity_due = asyncio.get_running_loop().time() + _IDENTITY_SECONDS

    async def next_batch(self) -> Batch:
        """The next batch; empty when no records came within a second. Cancelling it loses what it had read.

        Raises `LogTruncatedError`, `LogReplacedError`, `LogUnavailableError`.
        """
        await self._check_identity()
        records = await self._reader.poll(self._next_records, _POLL_SECONDS)
        if records:
            size_bytes = sum(len(record.value or b"") + len(record.key or b"") for record in records)
            fitting = _BATCH_BYTES * len(records) // max(size_bytes, 1)
            self._next_records = max(1, min(self._most_records, fitting))
        return await prepare(records, self._decode, self._views)

    async def _check_identity(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._identity_due:
            compare_logs(self._identity, await self._reader.identity())
            self._identity_due = now + _IDENTITY_SECONDS
