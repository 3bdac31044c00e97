"""Projects into generations outside the live set, several views in one pass over the events."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg

from services.projections.engine.batch import Decode
from services.projections.engine.folding import BehindParkedError, Contribution, contribution_of
from services.projections.engine.generation_positions import advance
from services.projections.engine.generations import LiveView
from services.projections.engine.parking import Parked, park, parked_event
from services.projections.engine.shadow_rows import ShadowRows, shadow_rows
from services.projections.engine.source_chunks import Chunk
from services.projections.engine.writing import RowsRefusedError
from services.projections.read_models.declaration import Needs
from shared.codec import UndecodableRecordError
from shared.envelope import RecordedEvent
from shared.log.port import StoredRecord

CACHE_BYTES = 64 * 1024 * 1024
_TOGETHER = 100
"""Records that are decoded and folded before the next ones, and before other tasks run: what they were decoded into
is still in the processor's cache then. Only where rows must be loaded is a whole chunk taken at once."""
_MOST_ATTEMPTS = 5
_CONFLICTS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class EventRefusedByViewError(Exception):
    """An event failed that the live view did not park: what was not written yet is not, and positions say so."""

    def __init__(self, view: str, event: str, error: Exception) -> None:
        super().__init__(
            f"view {view} stopped at {event}: {type(error).__name__}: {error}. What stands before it is kept; correct "
            f"the read model and run `rapport rebuild {view}` again. Readers still see the generation they saw"
        )


class GenerationMovedError(Exception):
    """Another process projects into the same generation."""


class ShadowView:
    """A generation being made: where it stands in the partition at hand, and its rows in memory.

    `parked_keys` are the stream keys of which the view has parked events, where further failures are to be parked as
    the live set does; None stops at a failure.
    """

    def __init__(
        self,
        view: LiveView,
        generation: int,
        positions: Mapping[int, int],
        *,
        empty: bool,
        parked_keys: set[str] | None = None,
    ) -> None:
        self.view = view
        self.generation = generation
        self.positions = dict(positions)
        self.rows: ShadowRows = shadow_rows(view, empty=empty)
        self.parked: list[Parked] = []
        self._refused: tuple[tuple[int, int], RowsRefusedError] | None = None
        self._parked_keys = parked_keys

    @property
    def name(self) -> str:
        """The view's name."""
        return self.view.read_model.name

    def awaited(
        self, events: Sequence[RecordedEvent[Any]], skipped: Collection[tuple[str, int]]
    ) -> Sequence[RecordedEvent[Any]]:
        """Those of one partition's events, in order, that are not in the view yet, nor parked in it."""
        if not skipped and events[0].offset >= self.positions[events[0].partition]:
            return events
        return [
            event
            for event in events
            if event.offset >= self.positions[event.partition] and (self.name, event.offset) not in skipped
        ]

    def fold(self, contribution: Contribution) -> Needs | None:
        """Folds one into memory, or answers which rows to make ready first.

        Raises what the read model raises, and `BehindParkedError`.
        """
        if self._parked_keys is not None and contribution.event.stream_key in self._parked_keys:
            raise BehindParkedError
        if contribution.error is not None:
            raise contribution.error
        place = contribution.event.partition, contribution.event.offset
        if self._refused is not None and place == self._refused[0]:
            raise self._refused[1]
        if contribution.erases:
            self.rows.erase(contribution.event.stream_key)
        return self.rows.fold(contribution)

    def refuse(self, partition: int, offset: int, error: RowsRefusedError) -> None:
        """Lets `fold` raise `error` at the event there, if it was a row of this view that was refused."""
        if error.is_of(self.view.tables):
            self._refused = (partition, offset), error

    def begin_again(self) -> None:
        """Forgets what was folded since the last checkpoint."""
        self.rows = shadow_rows(self.view, empty=False)
        if self._parked_keys is not None:
            self._parked_keys -= {
                parked.stream_key for parked in self.parked if parked.error != BehindParkedError.__name__
            }
        self.parked = []

    def failed(self, stored: StoredRecord, event: RecordedEvent[Any], error: Exception) -> None:
        """Parks an event with the next checkpoint, or raises `EventRefusedByViewError`."""
        if self._parked_keys is None:
            where = (
                f"event {event.id} of {event.source} at partition {event.partition}, offset {event.offset}"
            )
            raise EventRefusedByViewError(self.name, where, error) from error
        self._parked_keys.add(event.stream_key)
        attempts = 0 if isinstance(error, BehindParkedError) else 1
        self.parked.append(parked_event(self.name, stored, event, error, attempts=attempts))


class Shadow:
    """Takes chunks of one partition after another; after each `checkpoint` what was taken is stored for good."""

    def __init__(self, views: Sequence[ShadowView], decode: Decode, cache_bytes: int = CACHE_BYTES) -> None:
        self.views = views
        self._decode = decode
        self._cache_bytes = cache_bytes

    @property
    def full(self) -> bool:
        """Whether memory asks for a checkpoint."""
        return sum(view.rows.size_bytes() for view in self.views) > self._cache_bytes

    def position(self, partition: int) -> int:
        """The position from which the partition is to be read: that of the view farthest behind."""
        return min(view.positions[partition] for view in self.views)

    async def take(self, connection: asyncpg.Connection, chunk: Chunk) -> None:
        """Folds a chunk into memory.

        After what it raises, `EventRefusedByViewError` and asyncpg's errors, this object is of no more use.
        """
        loads = any(shadow.rows.loads for shadow in self.views)
        together = max(1, len(chunk.records)) if loads else _TOGETHER  # there may be nothing but repeats
        for first in range(0, len(chunk.records), together):
            await asyncio.sleep(0)
            records = chunk.records[first : first + together]
            events = [self._decoded(record) for record in records]
            for shadow in self.views:
                await self._fold(connection, shadow, events, records, chunk.skipped)

    def _decoded(self, record: StoredRecord) -> RecordedEvent[Any]:
        try:
            return self._decode(record)
        except UndecodableRecordError as error:
            where = f"the record at partition {record.partition}, offset {record.offset}"
            raise EventRefusedByViewError(self.views[0].name, where, error) from error

    async def _fold(
        self,
        connection: asyncpg.Connection,
        shadow: ShadowView,
        events: Sequence[RecordedEvent[Any]],
        records: Sequence[StoredRecord],
        skipped: Collection[tuple[str, int]],
    ) -> None:
        """Each event is folded, or parked where the view takes failures so; the strict way is to stop."""
        contributions = []
        for event in shadow.awaited(events, skipped):
            try:
                given = contribution_of(shadow.view, event)
            except Exception as error:  # noqa: BLE001 - whatever a read model raises
                given = Contribution(event, (), error=error)
            if given is not None:
                contributions.append(given)
        await shadow.rows.load(connection, [each for each in contributions if each.error is None])
        for contribution in contributions:
            try:
                while (needs := shadow.fold(contribution)) is not None:
                    await shadow.rows.load_also(connection, needs.keys)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever a read model raises
                offset = contribution.event.offset
                stored = next(record for record in records if record.offset == offset)
                shadow.failed(stored, contribution.event, error)

    def begin_again(self) -> None:
        """Forgets what was taken since the last checkpoint, so that it can be taken again."""
        for shadow in self.views:
            shadow.begin_again()

    def refuse(self, partition: int, offset: int, error: RowsRefusedError) -> None:
        """Makes the event there one that the view fails on whose row was refused."""
        for shadow in self.views:
            shadow.refuse(partition, offset, error)

    async def checkpoint(self, connection: asyncpg.Connection, partition: int, reached: int) -> None:
        """Writes what was taken, with the position reached, in one transaction.

        Raises `GenerationMovedError`, `RowsRefusedError` and asyncpg's errors.
        """
        for attempt in range(_MOST_ATTEMPTS):
            try:
                await self._write(connection, partition, reached)
                break
            except _CONFLICTS:
                if attempt == _MOST_ATTEMPTS - 1 or connection.is_in_transaction():
                    raise
        for shadow in self.views:
            shadow.positions[partition] = max(reached, shadow.positions[partition])
            shadow.parked = []
            shadow.rows.written(self._cache_bytes // len(self.views))

    async def _write(self, connection: asyncpg.Connection, partition: int, reached: int) -> None:
        async with connection.transaction():
            for shadow in self.views:
                position = shadow.positions[partition]
                if reached <= position:
                    continue
                moved = await advance(
                    connection, shadow.name, shadow.generation, {partition: position}, {partition: reached}
                )
                if not moved:
                    raise GenerationMovedError(
                        f"partition {partition} of {shadow.name}_g{shadow.generation} was moved by another process"
                    )
                await shadow.rows.write(connection)
                if shadow.parked:
                    await park(connection, shadow.parked)
