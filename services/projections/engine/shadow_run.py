"""Brings generations outside the live set forward, one partition at a time, checkpoint after checkpoint."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from services.projections.engine.batch import Decode
from services.projections.engine.generations import LiveView
from services.projections.engine.refreshing import refresh
from services.projections.engine.refused_rows import settle_refused
from services.projections.engine.shadow import Shadow, ShadowView
from services.projections.engine.source_chunks import Chunk, Chunks, JournalSource
from services.projections.engine.writing import RowsRefusedError
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.positions import PartitionProgress, Positions, progress

_CHUNK_EVENTS = 5000


class Target(NamedTuple):
    """A generation of a view that is to be brought forward.

    `parks`: events that fail are parked, as in the live set, instead of ending it.
    """

    read_model: ReadModel
    generation: int
    parks: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what was done is stored, and at most how many events a second are taken up."""

    events_per_second: float | None = None
    checkpoint_events: int = 30_000
    checkpoint_seconds: float = 2.0

    @property
    def chunk_events(self) -> int:
        """Events taken up at once: about a quarter of a second's, where that is bounded."""
        if self.events_per_second is None:
            return _CHUNK_EVENTS
        return max(1, min(_CHUNK_EVENTS, int(self.events_per_second / 4)))


UNBOUNDED = Pace()


async def project_partition(
    connection: asyncpg.Connection,
    shadow: Shadow,
    chunks: Chunks,
    partition: int,
    end: int,
    *,
    pace: Pace = UNBOUNDED,
) -> None:
    """Projects one partition up to `end`. The next chunk is fetched meanwhile, so `chunks` needs a connection of its
    own, or no prefetching source. Raises what `Shadow` and the source raise; checkpoints made before remain. Where
    PostgreSQL refuses a row, the event that made it is looked for and fails.
    """
    while shadow.position(partition) < end:
        try:
            await _project(connection, shadow, chunks, partition, end, pace=pace)
        except RowsRefusedError:
            await settle_refused(connection, shadow, chunks, partition, end)


async def _project(
    connection: asyncpg.Connection,
    shadow: Shadow,
    chunks: Chunks,
    partition: int,
    end: int,
    *,
    pace: Pace,
) -> None:
    loop = asyncio.get_running_loop()
    begun = stored_at = loop.time()
    taken = since_checkpoint = 0
    reached = shadow.position(partition)
    async with aclosing(chunks(partition, reached, end, pace.chunk_events)) as source:
        async for chunk in source:
            await shadow.take(connection, chunk)
            reached = chunk.reached
            taken += len(chunk.records)
            since_checkpoint += len(chunk.records)
            late = loop.time() - stored_at >= pace.checkpoint_seconds
            if late or since_checkpoint >= pace.checkpoint_events or shadow.full:
                await shadow.checkpoint(connection, partition, reached)
                since_checkpoint, stored_at = 0, loop.time()
            if pace.events_per_second is not None:
                await asyncio.sleep(max(0.0, begun + taken / pace.events_per_second - loop.time()))
    await shadow.checkpoint(connection, partition, reached)


def prefetched(chunks: Chunks) -> Chunks:
    """The same chunks, each fetched while the one before it is worked on."""

    async def ahead(partition: int, position: int, end: int, limit: int) -> AsyncGenerator[Chunk, None]:
        source = chunks(partition, position, end, limit)
        following = asyncio.ensure_future(anext(source, None))
        try:
            while (chunk := await following) is not None:
                following = asyncio.ensure_future(anext(source, None))
                yield chunk
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    return ahead


async def follow_journal(
    connection: asyncpg.Connection, targets: Sequence[Target], decode: Decode, ends: Positions
) -> int:
    """Brings the targets to `ends` from the journal, over one connection, also amid its transaction.

    Answers how many offsets it took them forward in all. Raises what `Shadow` raises and asyncpg's errors.
    """
    await refresh(connection, [target.read_model for target in targets])
    stands = [await progress(connection, target.read_model.name, target.generation) for target in targets]
    source = JournalSource(connection)
    moved = 0
    for partition, end in ends.items():
        if all(_position(each, partition) >= end for each in stands):
            continue
        shadow = Shadow(
            [
                await _shadow_view(connection, target, each)
                for target, each in zip(targets, stands, strict=True)
            ],
            decode,
        )
        moved += end - shadow.position(partition)
        await project_partition(connection, shadow, source.chunks, partition, end)
    return moved


async def remainder(connection: asyncpg.Connection, targets: Sequence[Target], ends: Positions) -> int:
    """How many offsets the targets are behind `ends`, the farthest counted."""
    behind = []
    for target in targets:
        stands = await progress(connection, target.read_model.name, target.generation)
        behind.append(sum(max(0, end - _position(stands, partition)) for partition, end in ends.items()))
    return max(behind, default=0)


def _position(stands: Sequence[PartitionProgress], partition: int) -> int:
    return next((each.position for each in stands if each.partition == partition), 0)


async def _shadow_view(
    connection: asyncpg.Connection, target: Target, stands: Sequence[PartitionProgress]
) -> ShadowView:
    name = target.read_model.name
    parked_keys = None
    if target.parks:
        rows = await connection.fetch(
            "select distinct stream_key from control.parked_events where view = $1 and stream_key is not null "
            "and discarded_at is null",
            name,
        )
        parked_keys = {row["stream_key"] for row in rows}
    return ShadowView(
        LiveView.of(target.read_model, target.generation),
        target.generation,
        {each.partition: each.position for each in stands},
        empty=False,
        parked_keys=parked_keys,
    )
