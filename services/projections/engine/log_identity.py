"""Whether the log is still the one that the positions and the journal belong to."""

import asyncio
from collections.abc import Mapping

import asyncpg
import structlog

from services.projections.control import EVERY_VIEW
from services.projections.engine.batch import Decode
from services.projections.engine.leases import Place
from shared.codec import UndecodableRecordError
from shared.log.port import (
    LogIdentity,
    LogMissingError,
    LogReader,
    LogTruncatedError,
    LogUnavailableError,
    StoredRecord,
)

_ONE_AT_A_TIME = 0x6C6F676964
_RECORD_SECONDS = 2.0
_SECOND_LOOK_SECONDS = 1.0
_REMEDY = (
    "No event was skipped. Point RAPPORT_LOG at the log these views were made from, or restore it; "
    "to begin again with the log as it is now, use a new database."
)


class LogReplacedError(Exception):
    """The log is not the one that PostgreSQL's positions belong to."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. {_REMEDY}")


class PositionNotInLogError(LogTruncatedError):
    """A partition no longer holds the next record to apply, or ends before it."""

    def __str__(self) -> str:
        return f"{super().__str__()}. {_REMEDY}"


async def establish_log(connection: asyncpg.Connection, reader: LogReader) -> LogIdentity:
    """The log's identity, compared with the stored one; where none is stored, this log's is, with first positions.

    Those are where the log begins now; that retention had passed already is said in a warning.
    Raises `LogReplacedError`, `LogUnavailableError` and asyncpg's errors. May be repeated, by several workers at once.
    """
    identity = await _identity(connection, reader)
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
        stored = await connection.fetchrow("select log_id, partitions from control.log_identity")
        if stored is None:
            bounds = await reader.bounds(range(identity.partitions))
            await connection.execute(
                'insert into control.log_identity ("only", log_id, partitions) values (1, $1, $2)',
                identity.log_id,
                identity.partitions,
            )
            await connection.executemany(
                "insert into control.positions (partition, position, epoch) values ($1, $2, 0)",
                [(partition, bounds[partition].first) for partition in range(identity.partitions)],
            )
            late = {partition: held.first for partition, held in bounds.items() if held.first > 0}
            if late:
                structlog.get_logger("rapport.projections").warning("log_begins_late", first_offsets=late)
            return identity
    compare_logs(LogIdentity(stored["log_id"], stored["partitions"]), identity)
    return identity


async def _identity(connection: asyncpg.Connection, reader: LogReader) -> LogIdentity:
    """The log's identity. A log that is not there is waited for before views were made of it, and not afterwards."""
    try:
        return await reader.identity()
    except LogMissingError:
        stored = await connection.fetchval("select log_id from control.log_identity")
        if stored is None:
            raise
    # One broker that lags behind the others is no proof.
    await asyncio.sleep(_SECOND_LOOK_SECONDS)
    try:
        return await reader.identity()
    except LogMissingError as error:
        raise LogReplacedError(
            f"the views were made from log {stored}, which is gone: it was deleted"
        ) from error


def compare_logs(stored: LogIdentity, found: LogIdentity) -> None:
    """Raises `LogReplacedError` unless both are the same log with the same partitions."""
    if found.log_id != stored.log_id:
        raise LogReplacedError(
            f"the views were made from log {stored.log_id}, but the log found is {found.log_id}: it was deleted and "
            "made again, or another one was configured"
        )
    if found.partitions != stored.partitions:
        raise LogReplacedError(
            f"log {found.log_id} has {found.partitions} partitions, but had {stored.partitions} when its positions "
            "were made: with another number keys move to other partitions, out of their order"
        )


async def confirm_last_applied(
    connection: asyncpg.Connection, reader: LogReader, places: Mapping[int, Place], decode: Decode
) -> None:
    """Compares the record before each position with what was applied from there.

    Replaces what the reader reads. Raises `LogReplacedError`, `PositionNotInLogError`, `LogUnavailableError`.
    """
    bounds = await reader.bounds(list(places))
    for partition, place in places.items():
        held = bounds[partition]
        if not held.first <= place.position <= held.end:
            raise PositionNotInLogError(partition, place.position, held)
        if place.position == held.first:
            continue  # the record before is gone with retention, the one wanted next is there
        await reader.seek({partition: place.position - 1})
        records = await reader.poll(1, _RECORD_SECONDS)
        if not records:
            raise LogUnavailableError(
                f"partition {partition} did not answer with offset {place.position - 1} within {_RECORD_SECONDS} s",
                retry_after_seconds=1,
                maybe_written=False,
            )
        if records[0].offset == place.position - 1:
            await _confirm(connection, records[0], decode)


async def _confirm(connection: asyncpg.Connection, record: StoredRecord, decode: Decode) -> None:
    try:
        event_hash = decode(record).event_hash
    except UndecodableRecordError:
        event_hash = None
    if not await connection.fetchval(_WAS_APPLIED, record.partition, record.offset, event_hash, EVERY_VIEW):
        raise LogReplacedError(
            f"partition {record.partition} of the log holds another record at offset {record.offset} than the one that "
            "was applied from there: its records were replaced"
        )


_WAS_APPLIED = """
select coalesce(
    (select event_hash is not distinct from $3::bytea from control.journal where partition = $1 and log_offset = $2),
    exists (select from control.journal where partition = $1 and event_hash = $3::bytea)
    or exists (
        select from control.parked_events where view = $4 and partition = $1 and log_offset = $2
    )
)
"""
