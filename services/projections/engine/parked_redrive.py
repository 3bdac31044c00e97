"""Redriving: a view is given its parked events again, key by key, each key's in the order of the log.

The head of a key goes first; where the view takes it the next one follows, until one fails or none is left, and then
the key flows live again. Each step is one transaction that holds the partition, so that a worker applies or parks what
comes meanwhile either before it or after it. Killed at any moment, it has done whole steps.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import asyncpg

from services.projections.engine.batch import Decode, Entry, contributions_to, entry_of
from services.projections.engine.operating import held_views
from services.projections.engine.parked_attempts import begin_attempts, take_back_attempts
from services.projections.engine.parked_generations import (
    GenerationInTheWayError,
    PassedGeneration,
    passed_generations,
)
from services.projections.engine.parked_partition import despite_conflicts, held_partition
from services.projections.engine.parked_settling import settle
from services.projections.engine.refreshing import refresh
from services.projections.engine.view_update import update_view
from services.projections.engine.writing import RowsRefusedError
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.parked_counting import MOST_UNANSWERED
from shared.codec import UndecodableRecordError
from shared.log.port import StoredRecord

_KEYS = 200
_EVENTS = 200


class Wanted(NamedTuple):
    """Which parked events of a view: of one stream key, or of keys whose first parked event has that error.

    `again` also takes up what ended the process twice.
    """

    key: str | None = None
    error: str | None = None
    again: bool = False


EVERYTHING = Wanted()


class Redriven(NamedTuple):
    """What a redrive came to, in events. `left_out` ended the process twice; `waiting` is all that the view still has.

    Of records that could not be decoded before, `repeated` are repeats of applied events, and `parked` counts what
    single views could not take of the others.
    """

    view: str
    applied: int
    repeated: int
    failed: int
    left_out: int
    waiting: int
    parked: int = 0


Report = Callable[[int, int], Awaitable[None]]
"""Is told, after every step, how many events were applied and how many failed so far, in no transaction."""


async def unreported(_applied: int, _failed: int) -> None:
    """For those who wait for the end."""


class _Waiting(NamedTuple):
    stored: StoredRecord
    stream_key: str
    unanswered: int


class _Step(NamedTuple):
    """`reached` is the last offset answered; `stopped` the keys that go no further."""

    reached: int
    applied: int
    failed: int
    stopped: frozenset[str]


async def redrive(
    connection: asyncpg.Connection,
    read_model: ReadModel,
    decode: Decode,
    wanted: Wanted = EVERYTHING,
    report: Report = unreported,
) -> Redriven:
    """Redrives what is wanted of one view; workers go on meanwhile, also with its other keys.

    May be killed at any moment and repeated. Raises `ViewBusyError`, `GenerationInTheWayError` and asyncpg's errors;
    what was taken before it raised stays taken.
    """
    async with held_views(connection, [read_model.name]):
        return await _Redrive(connection, read_model, decode, wanted).run(report)


class _Redrive:
    def __init__(
        self, connection: asyncpg.Connection, read_model: ReadModel, decode: Decode, wanted: Wanted
    ) -> None:
        self._connection = connection
        self._read_model = read_model
        self._view = read_model.name
        self._decode = decode
        self._wanted = wanted
        self._left_out = 0

    async def run(self, report: Report) -> Redriven:
        applied = failed = 0
        for row in await self._connection.fetch(_PARTITIONS, self._view):
            partition, after = row["partition"], None
            while keys := await self._keys(partition, after):
                after = keys[-1]
                async for step in self._follow(partition, set(keys)):
                    applied += step.applied
                    failed += step.failed
                    await report(applied, failed)
        waiting = await self._connection.fetchval(WAITING, self._view)
        return Redriven(self._view, applied, 0, failed, self._left_out, waiting)

    async def _keys(self, partition: int, after: str | None) -> list[str]:
        rows = await self._connection.fetch(
            _NEXT_KEYS, self._view, partition, after, self._wanted.key, self._wanted.error, _KEYS
        )
        return [row["stream_key"] for row in rows]

    async def _follow(self, partition: int, keys: set[str]) -> AsyncIterator[_Step]:
        """Step after step, until these keys have nothing parked any more or go no further."""
        reached = -1
        while keys:
            rows = await self._connection.fetch(
                _NEXT_EVENTS, self._view, partition, list(keys), reached, _EVENTS
            )
            events = [
                _Waiting(StoredRecord(partition, offset, key, value), stream_key, unanswered)
                for offset, key, value, stream_key, unanswered in rows
            ]
            if not events:
                break
            step = await self._attempt(partition, _together(events))
            yield step
            reached = step.reached
            keys -= step.stopped

    async def _attempt(self, partition: int, events: Sequence[_Waiting]) -> _Step:
        if events[0].unanswered >= MOST_UNANSWERED and not self._wanted.again:
            self._left_out += 1
            return _Step(events[0].stored.offset, 0, 0, frozenset([events[0].stream_key]))
        offsets = [each.stored.offset for each in events]
        await begin_attempts(self._connection, self._view, partition, offsets)
        try:
            step = await self._step(partition, events)
        except (Exception, asyncio.CancelledError):
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await take_back_attempts(self._connection, self._view, partition, offsets)
            raise
        later = [offset for offset in offsets if offset > step.reached]
        if later:
            await take_back_attempts(self._connection, self._view, partition, later)
        return step

    async def _step(self, partition: int, events: Sequence[_Waiting]) -> _Step:
        """The events in one transaction; where PostgreSQL refuses a row, their first half, in the end the first."""
        try:
            return await despite_conflicts(lambda: self._apply(partition, events))
        except RowsRefusedError as error:
            if len(events) == 1:
                return await self._refuse(partition, events[0], error)
        return await self._step(partition, events[: len(events) // 2])

    async def _apply(self, partition: int, events: Sequence[_Waiting]) -> _Step:
        async with held_partition(self._connection, partition):
            first = events[0].stored.offset
            passed = await passed_generations(self._connection, [self._read_model], partition, first)
            entries: list[Entry] = []
            for each in events:
                entry = entry_of(each.stored, self._decode, [generation.view for generation in passed])
                if entry.event is None:
                    break
                entries.append(entry)
            if not entries:
                return await self._refuse(partition, events[0], _undecodable(events[0], self._decode))
            failures = await _give(self._connection, passed, entries)
            handled = events[: len(entries)]
            taken = [each.stored.offset for each in handled if each.stored.offset not in failures]
            await settle(self._connection, self._view, partition, taken, failures)
        stopped = frozenset(each.stream_key for each in handled if each.stored.offset in failures)
        # One failure a key; those behind it were not tried.
        return _Step(handled[-1].stored.offset, len(taken), len(stopped), stopped)

    async def _refuse(self, partition: int, event: _Waiting, error: Exception) -> _Step:
        offset = event.stored.offset
        await settle(self._connection, self._view, partition, (), {offset: error})
        return _Step(offset, 0, 1, frozenset([event.stream_key]))


def _together(events: Sequence[_Waiting]) -> Sequence[_Waiting]:
    """Those to attempt in one step: an event that went unanswered before is taken alone."""
    if events[0].unanswered:
        return events[:1]
    doubtful = next((number for number, each in enumerate(events) if each.unanswered), len(events))
    return events[:doubtful]


def _undecodable(event: _Waiting, decode: Decode) -> Exception:
    try:
        decode(event.stored)
    except UndecodableRecordError as error:
        return error
    raise AssertionError("it was found undecodable")


async def _give(
    connection: asyncpg.Connection, passed: Sequence[PassedGeneration], entries: Sequence[Entry]
) -> dict[int, Exception]:
    """Gives every generation what it has passed; by offset what they all could not take.

    Raises `GenerationInTheWayError` where they differ, as rows changed by hand would make them.
    """
    await refresh(connection, [each.view.read_model for each in passed])
    failures: dict[int, Exception] = {}
    for number, each in enumerate(passed):
        given = [
            contribution
            for contribution in contributions_to(number, entries)
            if contribution.event.offset < each.position
        ]
        failed = {
            failure.contribution.event.offset: failure.error
            for failure in await update_view(connection, each.view, given)
        }
        if number == 0:
            failures = failed
        elif failed.keys() != {offset for offset in failures if offset < each.position}:
            raise GenerationInTheWayError(
                f"generations {passed[0].generation} and {each.generation} of view {each.name} do not take the same "
                f"parked events: `rapport verify {each.name}` tells whether the one readers see is right, and "
                f"`rapport drop {each.name} {each.generation}` removes the other; then redrive again"
            )
    return failures


WAITING = "select count(*) from control.parked_events where view = $1 and discarded_at is null"

_PARTITIONS = """
select distinct partition from control.parked_events where view = $1 and discarded_at is null order by partition
"""

_NEXT_KEYS = """
select stream_key from (
    select distinct on (stream_key) stream_key, error
    from control.parked_events
    where view = $1 and partition = $2 and discarded_at is null
        and ($3::text is null or stream_key > $3) and ($4::text is null or stream_key = $4)
    order by stream_key, log_offset
) head
where $5::text is null or error = $5
order by stream_key limit $6
"""

_NEXT_EVENTS = """
select log_offset, record_key, record_value, stream_key, unanswered
from control.parked_events
where view = $1 and partition = $2 and discarded_at is null and stream_key = any($3::text[]) and log_offset > $4
order by log_offset limit $5
"""
