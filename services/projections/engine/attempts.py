"""Events that end the process that handles them: found by counting, before each attempt, how often one was begun.

What a fold raises parks its event at once. What kills the process (memory, the interpreter, a signal) leaves nothing
but a count that was committed first. So a worker counts an attempt for the events it takes up first; where that has
failed twice it takes up one event at a time, each counted before; and an event that fails alone again is tried without
one view after the other, so that it is parked for the view at fault, in the end for all, in the very end undecoded.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from services.projections.engine.leases import Place
from shared.log.port import StoredRecord

ALONE_FROM_ATTEMPT = 3
_ALL_VIEWS_UNTIL_ATTEMPT = 4


class RepeatedCrashError(Exception):
    """Handling this event ended the process, `attempts` times in all."""

    def __init__(self, attempts: int) -> None:
        super().__init__(
            f"{attempts} attempts at this event ended without an answer: the process died, or an error stopped it; "
            "see the log of the worker, and redrive once the cause is mended"
        )
        self.attempts = attempts


class Attempts:
    """One worker's attempts, across its sessions. An attempt that this process outlives counts for nothing."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    async def in_vain(self, connection: asyncpg.Connection, places: Mapping[int, Place]) -> int:
        """How many attempts at what stands at these places led nowhere; the most of any partition."""
        partitions = sorted(places)
        positions = [places[partition].position for partition in partitions]
        attempts: int = await connection.fetchval(_IN_VAIN, partitions, positions)
        return attempts

    async def begin(self, connection: asyncpg.Connection, records: Sequence[StoredRecord]) -> int:
        """Counts an attempt at the first record of each partition, committed on return; answers the most of them."""
        first: dict[int, int] = {}
        for record in records:
            first.setdefault(record.partition, record.offset)
        partitions = sorted(first)
        offsets = [first[partition] for partition in partitions]
        counted = await connection.fetch(_BEGIN, partitions, offsets)
        self._begun = first
        most: int = max(row["attempts"] for row in counted)
        return most

    def succeeded(self) -> None:
        """What was begun is applied."""
        self._begun = {}

    async def take_back(self, connection: asyncpg.Connection) -> None:
        """Uncounts what was begun and neither applied nor fatal: it was interrupted. May be repeated."""
        if self._begun:
            partitions = sorted(self._begun)
            offsets = [self._begun[partition] for partition in partitions]
            await connection.execute(_TAKE_BACK, partitions, offsets)
            self._begun = {}


def views_left_out(attempt: int, views: int) -> frozenset[int] | None:
    """By number, the views that are not given an event at this attempt; None where it is not even decoded."""
    number = attempt - _ALL_VIEWS_UNTIL_ATTEMPT - 1
    if number < 0:
        return frozenset()
    if number < views:
        return frozenset([number])
    return frozenset(range(views)) if number == views else None


_IN_VAIN = """
select coalesce(max(attempts), 0)
from unnest($1::integer[], $2::bigint[]) as stands (partition, log_offset)
join control.attempts using (partition, log_offset)
"""

_BEGIN = """
insert into control.attempts as before (partition, log_offset, attempts)
select partition, log_offset, 1 from unnest($1::integer[], $2::bigint[]) as begun (partition, log_offset)
order by partition
on conflict (partition) do update set
    attempts = case when before.log_offset = excluded.log_offset then before.attempts + 1 else 1 end,
    log_offset = excluded.log_offset
returning attempts
"""

_TAKE_BACK = """
update control.attempts before set attempts = greatest(before.attempts - 1, 0)
from unnest($1::integer[], $2::bigint[]) as begun (partition, log_offset)
where before.partition = begun.partition and before.log_offset = begun.log_offset
"""
