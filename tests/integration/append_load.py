"""Appends from many tasks that note what was acknowledged, and the check that the log kept all of it."""

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from shared.log.port import Appended, EventLog, LogUnavailableError, LogWriter, NewRecord, StoredRecord

READ_SECONDS = 30


@dataclass
class AppendLoad:
    """Each key appends its numbers one after the other, and goes on to the next whatever became of the last."""

    writer: LogWriter
    keys: tuple[str, ...] = tuple(f"key-{number}" for number in range(16))
    acknowledged: dict[bytes, Appended] = field(default_factory=dict)
    refused: list[LogUnavailableError] = field(default_factory=list)
    longest_seconds: float = 0.0
    last_acknowledged_at: float = 0.0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._append(key)) for key in self.keys]

    async def stop(self) -> None:
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    async def acknowledgements(self, count: int, timeout_seconds: float) -> float:
        """Waits for this many more acknowledgements; the seconds that took."""
        started = time.monotonic()
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(timeout_seconds):
            while len(self.acknowledged) < wanted:
                await asyncio.sleep(0.01)
        return time.monotonic() - started

    async def _append(self, key: str) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            value = f"{key}:{number}".encode()
            started = time.monotonic()
            [outcome] = await self.writer.append([NewRecord(key.encode(), value)])
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - started)
            if isinstance(outcome, Appended):
                self.acknowledged[value] = outcome
            else:
                assert isinstance(outcome, LogUnavailableError)
                self.refused.append(outcome)
                await asyncio.sleep(0.01)


async def everything_in(log: EventLog) -> list[StoredRecord]:
    """All records of the log, by polling from its beginning to its present end."""
    async with log.reader() as reader, asyncio.timeout(READ_SECONDS):
        held = await reader.bounds(range((await reader.identity()).partitions))
        await reader.seek({partition: bounds.first for partition, bounds in held.items()})
        missing = sum(bounds.end - bounds.first for bounds in held.values())
        found: list[StoredRecord] = []
        while len(found) < missing:
            found += await reader.poll(5000, 0.5)
    return found


def assert_kept(load: AppendLoad, found: list[StoredRecord]) -> None:
    """Every acknowledged record is there once, at its offset, and in order within its key; gaps there are none."""
    copies = Counter(record.value for record in found)
    places = {(record.partition, record.offset): record.value for record in found}
    assert all(
        places.get((place.partition, place.offset)) == value for value, place in load.acknowledged.items()
    )
    assert all(copies[value] == 1 for value in load.acknowledged)
    numbers: dict[bytes, list[int]] = defaultdict(list)
    for record in sorted(found, key=lambda record: (record.partition, record.offset)):
        if record.value in load.acknowledged:
            numbers[record.key or b""].append(int(record.value.rpartition(b":")[2]))
    assert all(each == sorted(each) for each in numbers.values())
