"""What a generation outside the live set is made from: one partition's applied events, from the journal or the log."""

from collections.abc import AsyncGenerator, Callable
from typing import NamedTuple

import asyncpg

from services.projections.engine.journal_reader import journalled_records
from shared.log.port import LogReader, LogUnavailableError, StoredRecord

_POLL_SECONDS = 2.0
_EMPTY_POLLS = 5


class Chunk(NamedTuple):
    """Applied events in the order of the log, and the position behind them: repeats and what is parked are left out.

    `skipped` holds (view, offset) of events in the chunk that are parked for one view.
    """

    records: list[StoredRecord]
    reached: int
    skipped: frozenset[tuple[str, int]]


Chunks = Callable[[int, int, int, int], AsyncGenerator[Chunk, None]]
"""The chunks of a partition from a position to before an end, each of at most so many records; the end is applied."""


class JournalSource:
    """Reads `control.journal`, which holds every applied event, also those the log has lost to retention."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def chunks(
        self, partition: int, position: int, end: int, limit: int
    ) -> AsyncGenerator[Chunk, None]:
        """See `Chunks`. Raises asyncpg's errors."""
        while position < end:
            records = await journalled_records(self._connection, partition, position, end, limit)
            reached = end if len(records) < limit else records[-1].offset + 1
            yield Chunk(records, reached, await _skipped(self._connection, partition, position, reached))
            position = reached


class LogSource:
    """Reads the event log, and asks the journal which of its records are events that were applied."""

    def __init__(self, reader: LogReader, connection: asyncpg.Connection) -> None:
        self._reader = reader
        self._connection = connection

    async def chunks(
        self, partition: int, position: int, end: int, limit: int
    ) -> AsyncGenerator[Chunk, None]:
        """See `Chunks`. Raises `LogTruncatedError`, `LogUnavailableError` and asyncpg's errors."""
        if position < end:
            await self._reader.seek({partition: position})
        empty_polls = 0
        while position < end:
            polled = await self._reader.poll(limit, _POLL_SECONDS)
            if not polled:
                empty_polls += 1
                if empty_polls == _EMPTY_POLLS:
                    raise LogUnavailableError(
                        f"partition {partition} answered nothing from offset {position} on, though {end - 1} was "
                        "applied from it",
                        retry_after_seconds=1,
                        maybe_written=False,
                    )
                continue
            empty_polls = 0
            reached = min(polled[-1].offset + 1, end)
            records = await self._applied(partition, [each for each in polled if each.offset < end])
            yield Chunk(records, reached, await _skipped(self._connection, partition, position, reached))
            position = reached

    async def _applied(self, partition: int, records: list[StoredRecord]) -> list[StoredRecord]:
        if not records:
            return records
        first, last = records[0].offset, records[-1].offset
        if await self._connection.fetchval(_COUNT, partition, first, last) == len(records):
            return records
        rows = await self._connection.fetch(_OFFSETS, partition, first, last)
        applied = {row["log_offset"] for row in rows}
        return [record for record in records if record.offset in applied]


async def _skipped(
    connection: asyncpg.Connection, partition: int, position: int, reached: int
) -> frozenset[tuple[str, int]]:
    rows = await connection.fetch(_PARKED, partition, position, reached)
    return frozenset((row["view"], row["log_offset"]) for row in rows)


_COUNT = "select count(*) from control.journal where partition = $1 and log_offset between $2 and $3"
_OFFSETS = "select log_offset from control.journal where partition = $1 and log_offset between $2 and $3"
_PARKED = """
select view, log_offset from control.parked_events where partition = $1 and log_offset >= $2 and log_offset < $3
"""
