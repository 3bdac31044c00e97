"""The record of who read whose personal data: written before an answer leaves, for all requests of a moment at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg
import structlog

from services.api.access.purposes import Disclosed, Purpose

MOST_WAITING: Final = 2_000
_MOST_A_BATCH: Final = 500
_WAIT_SECONDS: Final = 4.0
_INSERT: Final = """
insert into control.access_records (recorded_at, reader, subject, purpose, categories, call)
select recorded_at, reader, subject, purpose, string_to_array(categories, ','), call
from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    as given (recorded_at, reader, subject, purpose, categories, call)
"""
_LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

_log = structlog.get_logger("rapport.api")


class ReadOfPersonalData(NamedTuple):
    """One reader saw personal data of one subject, for a purpose: a customer, or a case or task of nobody known."""

    recorded_at: datetime
    reader: str
    subject: str
    purpose: Purpose
    categories: tuple[Disclosed, ...]
    call: str


class NotRecordedError(Exception):
    """Reads could not be recorded, as the message says, so what was read must not be shown."""


class _Waiting(NamedTuple):
    reads: Sequence[ReadOfPersonalData]
    done: asyncio.Future[None]


class RecordedReads:
    """Writes records over a connection of its own, opened when first needed. `run` must be running."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self._connect = connect
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._ended = False

    async def record(self, reads: Sequence[ReadOfPersonalData]) -> None:
        """Returns once the reads are on record. Raises `NotRecordedError`; some may be on record even then.

        Bounded in time. Reads of a request are recorded together.
        """
        if not reads:
            return
        if self._ended or sum(len(each.reads) for each in self._waiting) >= MOST_WAITING:
            raise NotRecordedError("too many reads wait to be recorded")
        waiting = _Waiting(reads, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await waiting.done
        except TimeoutError:
            raise NotRecordedError(f"PostgreSQL did not take the record within {_WAIT_SECONDS:g} s") from None

    async def run(self) -> None:
        """Writes what waits until cancelled, and then what still waits."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._write()
        except asyncio.CancelledError:
            self._ended = True
            while self._waiting:
                await self._write()
            raise
        finally:
            self._ended = True
            if self._connection is not None:
                self._connection.terminate()

    async def _write(self) -> None:
        batch: list[_Waiting] = []
        while self._waiting and sum(len(each.reads) for each in batch) < _MOST_A_BATCH:
            batch.append(self._waiting.pop(0))
        try:
            await self._insert([read for each in batch for read in each.reads])
        except _LOST as error:
            self._let_go()
            _log.warning("reads_not_recorded", error=type(error).__name__)
            refused: Exception | None = NotRecordedError("PostgreSQL cannot take the record now")
        except BaseException:
            self._let_go()
            _refuse(batch, NotRecordedError("this service is stopping"))
            raise
        else:
            refused = None
        _refuse(batch, refused)

    async def _insert(self, reads: Sequence[ReadOfPersonalData]) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        await self._connection.execute(
            _INSERT,
            [each.recorded_at for each in reads],
            [each.reader for each in reads],
            [each.subject for each in reads],
            [each.purpose for each in reads],
            [",".join(each.categories) for each in reads],
            [each.call for each in reads],
        )

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _refuse(batch: Sequence[_Waiting], error: Exception | None) -> None:
    """Answers those who wait: with an error, or that all is on record."""
    for each in batch:
        if not each.done.done():
            if error is None:
                each.done.set_result(None)
            else:
                each.done.set_exception(error)


@asynccontextmanager
async def recorded_reads(url: str, timeout_seconds: float) -> AsyncIterator[RecordedReads]:
    """The record of a database. Connects to nothing yet; leaving writes what still waits."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(
            url,
            timeout=timeout_seconds,
            command_timeout=timeout_seconds,
            server_settings={"application_name": "rapport-access-record", "synchronous_commit": "on"},
        )

    reads = RecordedReads(connect)
    writing = asyncio.create_task(reads.run(), name="access record")
    try:
        yield reads
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
