"""An event log in memory, which passes the adapters' contract and can be told to be away."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from shared.log.partitioning import partition_of
from shared.log.port import (
    Appended,
    AppendOutcome,
    Bounds,
    LogIdentity,
    LogReader,
    LogTruncatedError,
    LogUnavailableError,
    LogWriter,
    NewRecord,
    RecordTooLargeError,
    StoredRecord,
)


class MemoryLog:
    """Records live as long as this object. For one event loop."""

    def __init__(
        self,
        partitions: int = 4,
        *,
        append_timeout_seconds: float = 0.1,
        buffer_records: int = 10_000,
        record_bytes: int = 1024 * 1024,
    ) -> None:
        self.append_timeout_seconds = append_timeout_seconds
        self.buffer_records = buffer_records
        self.record_bytes = record_bytes
        self.waiting_records = 0
        self._partitions = partitions
        self._present = asyncio.Event()
        self._present.set()
        self.grown = asyncio.Condition()
        self.recreate()

    def recreate(self) -> None:
        """Deletes every record and begins a new log with another identity."""
        self.log_id = uuid.uuid4().hex
        self._first = [0] * self._partitions
        self._records: list[list[StoredRecord]] = [[] for _ in range(self._partitions)]

    def go_away(self) -> None:
        """From now on nothing answers: appends wait out their time, readers raise at once."""
        self._present.clear()

    def come_back(self) -> None:
        """Ends `go_away`; waiting appends succeed."""
        self._present.set()

    def truncate_before(self, partition: int, first: int) -> None:
        """Drops the records of a partition before an offset, as retention would."""
        del self._records[partition][: first - self._first[partition]]
        self._first[partition] = first

    def records(self, partition: int | None = None) -> list[StoredRecord]:
        """What is stored, in partition and offset order."""
        wanted = range(self._partitions) if partition is None else [partition]
        return [record for each in wanted for record in self._records[each]]

    def store(self, partition: int, key: bytes | None, value: bytes | None) -> Appended:
        """Appends at once to a given partition, as a foreign producer would: key or value may be missing."""
        stored = self._records[partition]
        offset = self._first[partition] + len(stored)
        stored.append(StoredRecord(partition, offset, key, value))
        return Appended(partition, offset)

    def bounds(self, partition: int) -> Bounds:
        """The offsets the partition holds."""
        first = self._first[partition]
        return Bounds(first, first + len(self._records[partition]))

    def read(self, partition: int, position: int, max_records: int) -> list[StoredRecord]:
        """The next records of one partition. Raises `LogTruncatedError`."""
        held = self.bounds(partition)
        if not held.first <= position <= held.end:
            raise LogTruncatedError(partition, position, held)
        start = position - held.first
        return self._records[partition][start : start + max_records]

    def identity(self) -> LogIdentity:
        """The identity, new after `recreate`."""
        return LogIdentity(f"memory:{self.log_id}", self._partitions)

    def demand_presence(self) -> None:
        """Raises `LogUnavailableError` while away."""
        if not self._present.is_set():
            raise away(maybe_written=False)

    async def presence(self) -> None:
        """Returns once the log is not away."""
        await self._present.wait()

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[LogWriter]:
        yield _MemoryWriter(self)

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[LogReader]:
        self.demand_presence()
        yield _MemoryReader(self)


def away(*, maybe_written: bool) -> LogUnavailableError:
    return LogUnavailableError("the log is away", retry_after_seconds=1, maybe_written=maybe_written)


class _MemoryWriter:
    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._turn = asyncio.Lock()

    async def append(self, records: Sequence[NewRecord]) -> list[AppendOutcome]:
        log = self._log
        if log.waiting_records + len(records) > log.buffer_records:
            return [away(maybe_written=False) for _ in records]
        log.waiting_records += len(records)
        try:
            async with asyncio.timeout(log.append_timeout_seconds), self._turn:
                await log.presence()
                outcomes = [self._store(record) for record in records]
        except TimeoutError:
            return [away(maybe_written=False) for _ in records]
        finally:
            log.waiting_records -= len(records)
        async with log.grown:
            log.grown.notify_all()
        return outcomes

    def _store(self, record: NewRecord) -> AppendOutcome:
        size = len(record.key) + len(record.value)
        if size > self._log.record_bytes:
            return RecordTooLargeError(size, self._log.record_bytes)
        return self._log.store(
            partition_of(record.key, self._log.identity().partitions), record.key, record.value
        )

    async def check_writable(self) -> None:
        self._log.demand_presence()


class _MemoryReader:
    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._positions: dict[int, int] = {}

    async def identity(self) -> LogIdentity:
        self._log.demand_presence()
        return self._log.identity()

    async def bounds(self, partitions: Sequence[int]) -> dict[int, Bounds]:
        self._log.demand_presence()
        return {partition: self._log.bounds(partition) for partition in partitions}

    async def seek(self, positions: Mapping[int, int]) -> None:
        self._log.demand_presence()
        for partition, position in positions.items():
            self._log.read(partition, position, 0)
        self._positions = dict(positions)

    async def poll(self, max_records: int, timeout_seconds: float) -> list[StoredRecord]:
        self._log.demand_presence()
        found = self._take(max_records)
        if found:
            return found
        try:
            async with asyncio.timeout(timeout_seconds), self._log.grown:
                while not (found := self._take(max_records)):
                    await self._log.grown.wait()
        except TimeoutError:
            return []
        return found

    def _take(self, max_records: int) -> list[StoredRecord]:
        taken: list[StoredRecord] = []
        for partition, position in self._positions.items():
            found = self._log.read(partition, position, max_records - len(taken))
            taken += found
        for record in taken:
            self._positions[record.partition] = record.offset + 1
        # The partitions just read go to the end of the line, so that a busy one does not starve the others.
        for partition in {record.partition for record in taken}:
            self._positions[partition] = self._positions.pop(partition)
        return taken
