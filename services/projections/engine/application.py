"""Applying a batch: positions, journal, views, parked events and the announcement in one transaction."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import asyncpg

from services.projections.control import journal
from services.projections.engine.announcements import announce
from services.projections.engine.attempts import RepeatedCrashError
from services.projections.engine.batch import JOURNAL_COLUMNS, Batch, Entry, contributions_to
from services.projections.engine.folding import BehindParkedError, Failure
from services.projections.engine.generations import LiveView
from services.projections.engine.leases import Place
from services.projections.engine.live_set import LiveSet, LiveSetChangedError
from services.projections.engine.parking import Parked, park, parked_event, parked_keys
from services.projections.engine.view_update import update_view
from services.projections.engine.writing import add_rows
from services.projections.read_models.declaration import Key, Row
from shared.log.port import StoredRecord
from shared.position import Position


class FencedError(Exception):
    """Another worker moved or took over a partition: this batch is not ours to write."""


class Applied(NamedTuple):
    """What a batch came to. `places` is where its partitions stand now."""

    places: dict[int, Place]
    written: list[Entry]
    repeats: list[Entry]
    parked: list[Parked]


async def apply_batch(
    connection: asyncpg.Connection,
    live: LiveSet,
    batch: Batch,
    places: Mapping[int, Place],
) -> Applied:
    """Applies a batch whose entries follow `places` directly, all or nothing; repeating it after any error is safe.

    The positions come first: they lock the partitions, so that no view joins or leaves the live set meanwhile, and
    fence a worker that was replaced before it writes anything. Raises `FencedError`, `LiveSetChangedError`,
    `RowsRefusedError` and asyncpg's errors. Waits for the locks of other workers, and at a barrier.
    """
    entries = batch.entries
    reached = {entry.stored.partition: entry.stored.offset + 1 for entry in entries}
    async with connection.transaction():
        await _move_positions(connection, reached, places, live.revision)
        repeated = await _repeated(connection, entries)
        fresh = [entry for number, entry in enumerate(entries) if number not in repeated]
        parked = [parked for entry in fresh for parked in entry.parked]
        written = [entry for entry in fresh if entry.journal is not None]
        journalled = [entry.journal for entry in written if entry.journal is not None]
        await add_rows(connection, journal, JOURNAL_COLUMNS, journalled)
        parked += await _update_views(connection, live.views, written, batch.ahead if not repeated else None)
        if parked:
            await park(connection, parked)
        await announce(connection, Position(reached))
    moved = {partition: Place(reached[partition], places[partition].epoch) for partition in reached}
    return Applied(moved, written, [entries[number] for number in sorted(repeated)], parked)


async def _move_positions(
    connection: asyncpg.Connection, reached: Mapping[int, int], places: Mapping[int, Place], revision: int
) -> None:
    partitions = sorted(reached)
    await connection.execute(_LOCK, partitions)
    moved = await connection.fetch(
        _MOVE,
        partitions,
        [places[partition].position for partition in partitions],
        [places[partition].epoch for partition in partitions],
        [reached[partition] for partition in partitions],
    )
    if len(moved) != len(partitions):
        lost = sorted(set(partitions) - {row["partition"] for row in moved})
        raise FencedError(f"partitions {lost} were taken over by another worker")
    if moved[0]["revision"] != revision:
        raise LiveSetChangedError(f"made ready at revision {revision}, now {moved[0]['revision']}")


async def _repeated(connection: asyncpg.Connection, entries: Sequence[Entry]) -> set[int]:
    """The numbers of entries whose event was applied before or stands earlier in the batch."""
    first: dict[tuple[int, bytes], int] = {}
    repeated: set[int] = set()
    for number, entry in enumerate(entries):
        if entry.event is not None:
            seen = (entry.event.partition, entry.event.event_hash)
            if first.setdefault(seen, number) != number:
                repeated.add(number)
    by_partition: dict[int, list[bytes]] = {}
    for partition, event_hash in first:
        by_partition.setdefault(partition, []).append(event_hash)
    for partition, hashes in by_partition.items():
        for row in await connection.fetch(_SEARCH_REPEATS, partition, hashes):
            repeated.add(first[partition, row["event_hash"]])
    return repeated


async def _update_views(
    connection: asyncpg.Connection,
    views: Sequence[LiveView],
    entries: Sequence[Entry],
    ahead: Sequence[Mapping[Key, Row] | None] | None,
) -> list[Parked]:
    """Every view's part of the batch; `ahead` holds if these are all its events. Answers what they could not take."""
    events = [entry.event for entry in entries if entry.event is not None]
    keys = await parked_keys(connection, [view.read_model.name for view in views], events)
    stored = {(entry.stored.partition, entry.stored.offset): entry.stored for entry in entries}
    parked = []
    for number, view in enumerate(views):
        failures = await update_view(
            connection,
            view,
            contributions_to(number, entries),
            keys.get(view.read_model.name, ()),
            ahead[number] if ahead is not None else None,
        )
        parked += [_parked(view.read_model.name, stored, failure) for failure in failures]
    return parked


def _parked(view: str, stored: Mapping[tuple[int, int], StoredRecord], failure: Failure) -> Parked:
    event, error = failure.contribution.event, failure.error
    attempts = 1
    if isinstance(error, BehindParkedError):
        attempts = 0
    elif isinstance(error, RepeatedCrashError):
        attempts = error.attempts
    return parked_event(view, stored[event.partition, event.offset], event, error, attempts=attempts)


_LOCK = "select from control.positions where partition = any($1::integer[]) order by partition for update"
"""A statement of its own: the next one sees what was committed while this one waited, the live set's revision too."""

_MOVE = """
update control.positions stands
set position = batch.reached
from unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[]) as batch (partition, expected, epoch, reached)
where stands.partition = batch.partition and stands.position = batch.expected and stands.epoch = batch.epoch
returning stands.partition, (select revision from control.live_set) as revision
"""

_SEARCH_REPEATS = """
select event_hash from control.journal where partition = $1 and event_hash = any($2::bytea[])
"""
