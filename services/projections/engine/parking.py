"""Events that a view could not take: kept with their error, so that nothing is skipped silently."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg

from shared.envelope import RecordedEvent
from shared.log.port import StoredRecord

_LONGEST_DETAIL = 2000


class Parked(NamedTuple):
    """A row for `control.parked_events`; texts hold no NUL, so that PostgreSQL always takes it."""

    view: str
    partition: int
    log_offset: int
    stream_key: str | None
    event_id: str | None
    source: str | None
    record_key: bytes | None
    record_value: bytes | None
    error: str
    detail: str
    attempts: int


def parked_record(view: str, stored: StoredRecord, error: Exception) -> Parked:
    """A record that could not be decoded, for `view`."""
    return Parked(
        view, stored.partition, stored.offset, None, None, None, stored.key, stored.value,
        type(error).__name__, storable(str(error)), 1,
    )  # fmt: skip


def parked_event(
    view: str, stored: StoredRecord, event: RecordedEvent[Any], error: Exception, *, attempts: int = 1
) -> Parked:
    """A decoded event that `view` could not take, or was not given because it is behind one that it could not."""
    return Parked(
        view, stored.partition, stored.offset,
        storable(event.stream_key), storable(event.id), storable(event.source),
        stored.key, stored.value, type(error).__name__, storable(str(error)), attempts,
    )  # fmt: skip


async def parked_keys(
    connection: asyncpg.Connection, views: Sequence[str], events: Sequence[RecordedEvent[Any]]
) -> dict[str, set[str]]:
    """Of the events' stream keys those of which views have parked events waiting, by view.

    True until the transaction ends for partitions whose positions it moved: parking, redriving and discarding all hold
    those. One look at an empty index where nothing is parked. Raises asyncpg's errors.
    """
    if not await connection.fetchval(_ANYTHING_PARKED, views):
        return {}
    found: dict[str, set[str]] = {}
    keys = {(event.partition, event.stream_key) for event in events}
    partitions, stream_keys = [partition for partition, _ in keys], [key for _, key in keys]
    for row in await connection.fetch(_PARKED_KEYS, views, partitions, stream_keys):
        found.setdefault(row["view"], set()).add(row["stream_key"])
    return found


async def park(connection: asyncpg.Connection, parked: Sequence[Parked]) -> None:
    """Writes them, in the transaction that moves the position past them. Raises asyncpg's errors."""
    await connection.executemany(_PARK, parked)


_PARK = """
insert into control.parked_events (
    view, partition, log_offset, stream_key, event_id, source, record_key, record_value, error, detail, attempts
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""

_ANYTHING_PARKED = """
select exists (select from control.parked_events where view = any($1::text[]) and discarded_at is null)
"""

_PARKED_KEYS = """
select distinct parked.view, parked.stream_key
from unnest($2::integer[], $3::text[]) as batch (partition, stream_key)
join control.parked_events parked using (partition, stream_key)
where parked.view = any($1::text[]) and parked.discarded_at is null
"""


def storable(text: str) -> str:
    """The text as PostgreSQL takes it, at most 2,000 characters."""
    return text[:_LONGEST_DETAIL].replace("\0", "\N{REPLACEMENT CHARACTER}")
