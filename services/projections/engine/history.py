"""One customer's, or one stream key's, events and the states folded from them, beside what readers see."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg

from services.projections.control import EVERY_VIEW
from services.projections.engine.generation_tables import tables_of
from services.projections.engine.history_view import Tables, Treatment, ViewFold, ViewHistory
from services.projections.engine.refreshing import refresh
from services.projections.history.reading import (
    EVERYTHING,
    Decode,
    Horizon,
    JournalledEvent,
    any_journalled,
    applied_position,
    journalled_events,
)
from services.projections.history.ties import stream_keys_of
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.generations import Generation, shown_generation
from shared.envelope import RecordedEvent
from shared.erasures import ERASURES
from shared.position import Position

_MOST_UNDECODABLE = 20
_AT_A_TIME = "readers see the present, not what was at a time"


class UnknownHistoryError(Exception):
    """No event of the customer or key was applied; the message says what to check."""


class Subject(NamedTuple):
    """Whose history: a customer's parties, or one stream key; `name` is how it was asked for."""

    name: str
    parties: tuple[str, ...] = ()
    stream_key: str | None = None


class InspectedEvent(NamedTuple):
    """An event, and what became of it in each view that consumes its class."""

    event: RecordedEvent[Any]
    views: Mapping[str, Treatment]


class Undecodable(NamedTuple):
    """A record under one of the stream keys that is no event of the catalogue, so that no view has it."""

    partition: int
    log_offset: int
    error: str
    detail: str


class Inspection(NamedTuple):
    """What was found, all of it in one snapshot, whose place in the log is `position`.

    `events` are the last ones by the time they happened, newest first; `event_count` is how many there are.
    """

    stream_keys: list[str]
    position: Position
    events: list[InspectedEvent]
    event_count: int
    undecodable: list[Undecodable]
    views: list[ViewHistory]


async def inspect(
    connection: asyncpg.Connection,
    read_models: Sequence[ReadModel],
    subject: Subject,
    horizon: Horizon,
    decode: Decode,
    *,
    most: int,
) -> Inspection:
    """The events of the subject within the horizon, and what each view makes of them; nobody waits for it.

    Without a horizon, each view is folded up to where it stands, and its rows are compared with those that readers see.
    Memory is bounded by `most`, the events and the rows a view answered, and by 20,000 rows a view that are being
    folded. Raises `UnknownHistoryError`, `TooManyStreamKeysError`, `UndecodableRecordError` and asyncpg's errors.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        stream_keys = (
            [subject.stream_key]
            if subject.stream_key is not None
            else await stream_keys_of(connection, subject.parties)
        )
        undecodable = await _undecodable(connection, stream_keys)
        if not undecodable and not await any_journalled(connection, stream_keys):
            raise UnknownHistoryError(
                f"no event of {subject.name} was applied; check the id, and with `rapport status` that views keep up"
            )
        await refresh(connection, read_models)
        folds = [
            await _fold_of(connection, read_model, horizon, most, stream_keys) for read_model in read_models
        ]
        newest: list[InspectedEvent] = []
        count = 0
        names = [read_model.name for read_model in read_models]
        async for chunk in journalled_events(connection, stream_keys, horizon, decode, names):
            count += len(chunk)
            treated = [await fold.take(connection, chunk) for fold, _ in folds]
            newest = heapq.nlargest(most, [*newest, *_inspected(names, chunk, treated)], key=_place)
        return Inspection(
            stream_keys=stream_keys,
            position=await applied_position(connection),
            events=newest,
            event_count=count,
            undecodable=undecodable,
            views=[await fold.result(connection, stream_keys, note) for fold, note in folds],
        )


async def _fold_of(
    connection: asyncpg.Connection,
    read_model: ReadModel,
    horizon: Horizon,
    most: int,
    stream_keys: Sequence[str],
) -> tuple[ViewFold, str | None]:
    """A view's fold, and why it is not compared, where it is not."""
    shown = await shown_generation(connection, read_model.name)
    note = _not_compared(read_model, shown, horizon)
    erased = await _erased_before(connection, read_model, stream_keys)
    if note is not None or shown is None:
        return ViewFold(read_model, shown, None, None, most, erased_before=erased), note
    positions = {
        row["partition"]: row["position"] for row in await connection.fetch(_POSITIONS, read_model.name)
    }
    tables = tables_of(read_model, shown.generation)
    return ViewFold(
        read_model, shown, positions, Tables(tables[0], tables[-1]), most, erased_before=erased
    ), None


async def _erased_before(
    connection: asyncpg.Connection, read_model: ReadModel, stream_keys: Sequence[str]
) -> dict[str, int]:
    """By stream key the offset of the last erasure that the view has taken, or that nobody has to take any more."""
    if read_model.erased is None:
        return {}
    rows = await connection.fetch(_ERASED_BEFORE, list(stream_keys), ERASURES, read_model.name)
    return {row["stream_key"]: row["log_offset"] for row in rows}


def _not_compared(read_model: ReadModel, shown: Generation | None, horizon: Horizon) -> str | None:
    if horizon != EVERYTHING:
        return _AT_A_TIME
    if shown is None:
        return "readers have no such view yet: it is being built, or `rapport rebuild` builds it"
    if shown.version != read_model.version:
        return f"readers see version {shown.version}, this program folds version {read_model.version}"
    return None


def _inspected(
    names: Sequence[str], chunk: Sequence[JournalledEvent], treated: Sequence[Sequence[Treatment]]
) -> Iterable[InspectedEvent]:
    for journalled, treatments in zip(chunk, zip(*treated, strict=True), strict=True):
        views = {name: each for name, each in zip(names, treatments, strict=True) if each != "ignored"}
        yield InspectedEvent(journalled.event, views)


def _place(inspected: InspectedEvent) -> tuple[Any, ...]:
    event = inspected.event
    return event.time, event.partition, event.offset


async def _undecodable(connection: asyncpg.Connection, stream_keys: Sequence[str]) -> list[Undecodable]:
    keys = [key.encode() for key in stream_keys]
    rows = await connection.fetch(_UNDECODABLE, EVERY_VIEW, keys, _MOST_UNDECODABLE)
    return [Undecodable(*row) for row in rows]


_ERASED_BEFORE = """
select erasure.stream_key, max(erasure.log_offset) as log_offset
from control.journal erasure
join control.view_positions stands on stands.view = $3 and stands.partition = erasure.partition
where erasure.stream_key = any($1::text[]) and erasure.source = $2 and erasure.type = 'customer.erasure_requested'
    and erasure.log_offset < stands.position
    and not exists (
        select from control.parked_events parked
        where parked.view = $3 and parked.partition = erasure.partition and parked.log_offset = erasure.log_offset
    )
group by erasure.stream_key
"""

_POSITIONS = "select partition, position from control.view_positions where view = $1"

_UNDECODABLE = """
select partition, log_offset, error, detail from control.parked_events
where view = $1 and record_key = any($2::bytea[]) and discarded_at is null
order by partition, log_offset limit $3
"""
