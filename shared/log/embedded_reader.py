"""Reads the embedded log by partition and offset, woken by a notification when something is appended."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from shared.log.embedded_connection import APPENDED_CHANNEL, AWAY_ERRORS, connect, unavailable
from shared.log.port import Bounds, LogIdentity, LogTruncatedError, StoredRecord

_LOOK_AGAIN_SECONDS = 0.5
"""How long an append may go unseen whose notification was lost."""

_NEXT_RECORDS = """
select found.partition, found.log_offset, found.key, found.value
from unnest($1::int[], $2::bigint[]) as wanted (partition, position)
cross join lateral (
    select * from log.records r
    where r.partition = wanted.partition and r.log_offset >= wanted.position
      and (select log_id::text from log.identity) = $4
    order by r.log_offset limit $3
) found
limit $3
"""
_BOUNDS = """
select p.partition, p.first_offset, p.next_offset, i.log_id::text as log_id
from log.partitions p cross join log.identity i where p.partition = any($1::int[]) order by p.partition
"""


class EmbeddedReader:
    """Implements `LogReader` with one connection of its own, made again when it is lost."""

    def __init__(self, url: str, *, database_timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = database_timeout_seconds
        self._connection: asyncpg.Connection | None = None
        self._appended = asyncio.Event()
        self._positions: dict[int, int] = {}
        self._sought_log_id: str | None = None

    async def identity(self) -> LogIdentity:
        """See `LogReader.identity`: the id that the migration gave the log."""
        [(log_id, partitions)] = await self._fetch("select log_id::text, partitions from log.identity")
        return LogIdentity(f"embedded:{log_id}", partitions)

    async def bounds(self, partitions: Sequence[int]) -> dict[int, Bounds]:
        """See `LogReader.bounds`."""
        return {row[0]: Bounds(row[1], row[2]) for row in await self._fetch(_BOUNDS, list(partitions))}

    async def seek(self, positions: Mapping[int, int]) -> None:
        """See `LogReader.seek`."""
        rows = await self._fetch(_BOUNDS, list(positions))
        held = {row["partition"]: Bounds(row["first_offset"], row["next_offset"]) for row in rows}
        for partition, position in positions.items():
            bounds = held.get(partition, Bounds(0, 0))
            if not bounds.first <= position <= bounds.end:
                raise LogTruncatedError(partition, position, bounds)
        self._positions = dict(positions)
        self._sought_log_id = rows[0]["log_id"] if rows else None

    async def poll(self, max_records: int, timeout_seconds: float) -> list[StoredRecord]:
        """See `LogReader.poll`. Raises `LogTruncatedError` too when the log was made again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while True:
            self._appended.clear()
            records = await self._next_records(max_records)
            remaining = deadline - loop.time()
            if records or remaining <= 0:
                return records
            try:
                async with asyncio.timeout(min(remaining, _LOOK_AGAIN_SECONDS)):
                    await self._appended.wait()
            except TimeoutError:
                continue

    async def connect(self) -> None:
        """Raises `LogUnavailableError`."""
        await self._fetch("select 1")

    def close(self) -> None:
        """Ends the connection. May be repeated."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _next_records(self, max_records: int) -> list[StoredRecord]:
        positions = list(self._positions.values())
        rows = await self._fetch(
            _NEXT_RECORDS, list(self._positions), positions, max_records, self._sought_log_id
        )
        if not rows:
            await self._demand_untouched()
            return []
        records = [StoredRecord(*row) for row in rows]
        moved = dict(self._positions)
        for record in records:
            if record.offset != moved[record.partition]:
                held = await self.bounds([record.partition])
                raise LogTruncatedError(record.partition, moved[record.partition], held[record.partition])
            moved[record.partition] = record.offset + 1
        # The partitions just read go to the end of the line, so that a busy one does not starve the others.
        read = {record.partition for record in records}
        self._positions = {
            partition: moved[partition]
            for partition in sorted(moved, key=lambda partition: partition in read)
        }
        return records

    async def _demand_untouched(self) -> None:
        for row in await self._fetch(_BOUNDS, list(self._positions)):
            bounds = Bounds(row["first_offset"], row["next_offset"])
            position = self._positions[row["partition"]]
            if row["log_id"] != self._sought_log_id or not bounds.first <= position <= bounds.end:
                raise LogTruncatedError(row["partition"], position, bounds)

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                connection = await self._connected()
                return await connection.fetch(query, *arguments)
        except AWAY_ERRORS as error:
            self.close()
            raise unavailable(error) from error
        except asyncio.CancelledError:
            self.close()
            raise

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            connection = await connect(self._url, self._timeout_seconds)
            self._connection = connection
            await connection.add_listener(APPENDED_CHANNEL, self._notified)
        return self._connection

    def _notified(self, *_: object) -> None:
        self._appended.set()
