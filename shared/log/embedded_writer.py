"""Appends to the embedded log: the waiting records of all requests share one transaction.

Offsets are handed out under the lock of the partition's row, which lasts until the commit. So a reader sees
the records of a partition appear in offset order and never meets a gap, however many writers there are.
"""

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog

from shared.log.append_buffer import AppendBuffer, Waiting
from shared.log.embedded_connection import APPENDED_CHANNEL, AWAY_ERRORS, connect, unavailable, worded
from shared.log.partitioning import partition_of
from shared.log.port import AppendOutcome, NewRecord, RecordTooLargeError

_log = structlog.get_logger(__name__)

_GROUP_RECORDS = 2000
_GROUP_BYTES = 4 * 1024 * 1024
_RETRY_SECONDS = 0.2
_DRAIN_SECONDS = 3.0
_CHECK_SECONDS = 1.8

_CLAIM = """
with wanted as (
    select * from unnest($1::int[], $2::bigint[]) as wanted (partition, records)
), locked as materialized (
    select partition, next_offset from log.partitions
    where partition = any($1::int[]) order by partition for update
)
update log.partitions p set next_offset = locked.next_offset + wanted.records
from locked join wanted using (partition)
where p.partition = locked.partition
returning p.partition, locked.next_offset
"""
_COLUMNS = ("partition", "log_offset", "key", "value")


class EmbeddedWriter:
    """Implements `LogWriter` with one connection of its own."""

    def __init__(
        self, url: str, buffer: AppendBuffer, *, database_timeout_seconds: float, record_bytes: int
    ) -> None:
        self._url = url
        self._buffer = buffer
        self._timeout_seconds = database_timeout_seconds
        self._record_bytes = record_bytes
        self._connection: asyncpg.Connection | None = None
        self._partitions = 0
        self._task: asyncio.Task[None] | None = None

    async def append(self, records: Sequence[NewRecord]) -> list[AppendOutcome]:
        """See `LogWriter.append`."""
        return await self._buffer.append(records)

    async def check_writable(self) -> None:
        """See `LogWriter.check_writable`: PostgreSQL would let this role write to the log now."""
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                connection = await connect(self._url, _CHECK_SECONDS)
                try:
                    # Writes nothing, yet fails on a standby, a read-only server, a missing right or table.
                    await connection.execute("insert into log.records select 0, 0, null, null where false")
                finally:
                    connection.terminate()
        except AWAY_ERRORS as error:
            raise unavailable(error) from error

    def start(self) -> None:
        """Begins to write what is appended. Does not wait."""
        self._task = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Turns new appends away, waits up to 3 s for what is under way, then gives up on the rest."""
        self._buffer.close()
        await self._buffer.drained(_DRAIN_SECONDS)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._disconnect()
        self._buffer.fail_rest("the service is shutting down")

    async def _write(self) -> None:
        while True:
            await self._buffer.arrived.wait()
            # Lets every request that is ready now join the transaction.
            await asyncio.sleep(0)
            group = self._buffer.take(_GROUP_RECORDS, _GROUP_BYTES)
            try:
                await self._write_group(group)
            except Exception as error:  # noqa: BLE001  # whatever it was, later groups must be written
                await self._survive(group, error)
            except asyncio.CancelledError:
                self._buffer.answer_unavailable(group, "the service is shutting down", "closed")
                raise

    async def _survive(self, group: Sequence[Waiting], error: BaseException) -> None:
        reason = worded(error)
        if not isinstance(error, AWAY_ERRORS):
            _log.error("embedded_log_broken", exc_info=error)
        elif reason != self._buffer.away_because:
            _log.warning("embedded_log_away", reason=reason)
        self._buffer.away_because = reason
        self._disconnect()
        if any(waiting.handed_over for waiting in group):
            self._buffer.answer_unavailable(group, reason, type(error).__name__)
        else:
            self._buffer.put_back(group)
        await asyncio.sleep(_RETRY_SECONDS)

    async def _write_group(self, group: list[Waiting]) -> None:
        """One transaction. What it had not begun to commit when it failed is surely not written."""
        async with asyncio.timeout(self._timeout_seconds):
            connection = await self._connected()
            by_partition = self._by_partition(group)
            if not by_partition:
                return
            await connection.execute("begin")
            claimed = await connection.fetch(
                _CLAIM, list(by_partition), [len(waiting) for waiting in by_partition.values()]
            )
            first = {row["partition"]: row["next_offset"] for row in claimed}
            await connection.copy_records_to_table(
                "records",
                schema_name="log",
                columns=_COLUMNS,
                records=[
                    (partition, offset, *waiting.record)
                    for partition, chosen in by_partition.items()
                    for offset, waiting in enumerate(chosen, first[partition])
                    if waiting.record is not None
                ],
            )
            for chosen in by_partition.values():
                for waiting in chosen:
                    waiting.handed_over = True
            await connection.execute(f"notify {APPENDED_CHANNEL}; commit")
        self._buffer.away_because = "PostgreSQL did not acknowledge in time"
        for partition, chosen in by_partition.items():
            self._buffer.answer_appended(chosen, partition, first[partition])

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            connection = await connect(self._url, self._timeout_seconds)
            try:
                self._partitions = await connection.fetchval("select partitions from log.identity")
            except BaseException:
                connection.terminate()
                raise
            self._connection = connection
        return self._connection

    def _by_partition(self, group: Sequence[Waiting]) -> dict[int, list[Waiting]]:
        chosen: dict[int, list[Waiting]] = {}
        for waiting in group:
            if waiting.record is None:
                continue
            if waiting.size_bytes > self._record_bytes:
                self._buffer.answer(waiting, RecordTooLargeError(waiting.size_bytes, self._record_bytes))
                continue
            chosen.setdefault(partition_of(waiting.record.key, self._partitions), []).append(waiting)
        return chosen

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
