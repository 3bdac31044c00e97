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


def parked_record(view: str, stored: StoredRecord, error: Exception) -> Parked:
    """A record that could not be decoded, for `view`."""
    return Parked(
        view, stored.partition, stored.offset, None, None, None, stored.key, stored.value,
        type(error).__name__, _storable(str(error)),
    )  # fmt: skip


def parked_event(view: str, stored: StoredRecord, event: RecordedEvent[Any], error: Exception) -> Parked:
    """A decoded event that `view` could not take."""
    return Parked(
        view, stored.partition, stored.offset,
        _storable(event.stream_key), _storable(event.id), _storable(event.source),
        stored.key, stored.value, type(error).__name__, _storable(str(error)),
    )  # fmt: skip


async def park(connection: asyncpg.Connection, parked: Sequence[Parked]) -> None:
    """Writes them, in the transaction that moves the position past them; one attempt has been made."""
    await connection.executemany(_PARK, parked)


_PARK = """
insert into control.parked_events (
    view, partition, log_offset, stream_key, event_id, source, record_key, record_value, error, detail, attempts
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
"""


def _storable(text: str) -> str:
    return text[:_LONGEST_DETAIL].replace("\0", "\N{REPLACEMENT CHARACTER}")
