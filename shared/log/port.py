"""The event log as the services see it: a port with two adapters, `shared.log.kafka` and `shared.log.embedded`.

Both adapters, and the in-memory fake of the tests, pass one contract suite (`tests/contract/test_event_log.py`).
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class NewRecord(NamedTuple):
    """A record to append; equal keys go to one partition and keep the order in which they were appended."""

    key: bytes
    value: bytes


class Appended(NamedTuple):
    """Where a record stands, once it is on stable storage."""

    partition: int
    offset: int


class StoredRecord(NamedTuple):
    """A record as read back. Foreign producers may leave out the key or the value."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Bounds(NamedTuple):
    """The records a partition holds now: offsets `first` to `end - 1`."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Tells one log from another, so that positions are never applied to a log they do not belong to.

    `log_id` changes when the log is deleted and made again, as far as the adapter can know.
    """

    log_id: str
    partitions: int


class LogUnavailableError(Exception):
    """The log took no records, or did not say in time whether it did.

    Where `maybe_written` is true the record may still appear later; appending it again is safe, because
    projections drop repeats by (source, id).
    """

    def __init__(self, reason: str, *, retry_after_seconds: int, maybe_written: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds
        self.maybe_written = maybe_written


class LogMissingError(LogUnavailableError):
    """Whoever keeps the log answers, and holds none of its name: it was not made yet, or was deleted."""


class RecordTooLargeError(Exception):
    """One record is larger than the log accepts; repeating it cannot help."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"a record of {size_bytes} bytes is over the log's limit of {limit_bytes} bytes")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class LogTruncatedError(Exception):
    """The records at a wanted position are gone (retention), or the log ends before it (recreated, truncated).

    Nothing is skipped: the reader stays where it was and the caller decides.
    """

    def __init__(self, partition: int, position: int, bounds: Bounds) -> None:
        super().__init__(
            f"partition {partition} holds offsets {bounds.first} to {bounds.end - 1}, but the next one wanted is "
            f"{position}: the log was truncated, recreated, or lost its beginning to retention"
        )
        self.partition = partition
        self.position = position
        self.bounds = bounds


AppendOutcome = Appended | LogUnavailableError | RecordTooLargeError


class LogWriter(Protocol):
    """Appends records durably. Safe to use from many tasks of one event loop at once."""

    async def append(self, records: Sequence[NewRecord]) -> list[AppendOutcome]:
        """One outcome a record, in the order given, each `Appended` only once the record is on stable storage.

        Raises nothing for a log that is away: each record says so itself, for partitions fail one by one. Waits at
        most as long as the adapter's bounds say; beyond what may wait at once it answers `LogUnavailableError` at
        once. Cancelling it withdraws what was not yet handed to the log; the rest may be written.
        """

    async def check_writable(self) -> None:
        """Returns when the log takes writes now, within 2 s; raises `LogUnavailableError` when it does not."""


class LogReader(Protocol):
    """Reads partitions in offset order from positions the caller keeps. For one task at a time."""

    async def identity(self) -> LogIdentity:
        """The log's identity as it is now. Raises `LogUnavailableError`, `LogMissingError` where it can tell."""

    async def bounds(self, partitions: Sequence[int]) -> dict[int, Bounds]:
        """The offsets each partition holds now. Raises `LogUnavailableError`."""

    async def seek(self, positions: Mapping[int, int]) -> None:
        """Replaces what `poll` reads: from each position on, these partitions and no others.

        Raises `LogTruncatedError` when a position is not within the bounds of its partition (its end is within),
        `LogUnavailableError` when the log does not answer.
        """

    async def poll(self, max_records: int, timeout_seconds: float) -> list[StoredRecord]:
        """At most `max_records` next records, per partition in offset order, none twice and none left out.

        Waits up to `timeout_seconds` for the first; an empty list means none came. Raises `LogTruncatedError` when
        the next record of a partition is gone, `LogUnavailableError` when the log does not answer; both leave the
        reader usable for a later `seek`.
        """


class EventLog(Protocol):
    """Opens writers and readers; leaving their context closes them within 5 s, writers after draining."""

    def writer(self) -> AbstractAsyncContextManager[LogWriter]:
        """A writer. Entering does not wait for the log: until it is there, appends answer that it is away."""

    def reader(self) -> AbstractAsyncContextManager[LogReader]:
        """A reader that reads nothing until `seek`. Entering raises `LogUnavailableError` when the log is away."""
