"""The event log in a PostgreSQL table, for one machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.log.append_buffer import BUFFER_BYTES, BUFFER_RECORDS, AppendBuffer
from shared.log.embedded_reader import EmbeddedReader
from shared.log.embedded_writer import EmbeddedWriter
from shared.log.port import LogReader, LogWriter
from shared.metrics import Metrics

_RECORD_BYTES = 4 * 1024 * 1024


class EmbeddedLog:
    """Implements `EventLog` on `shared.log.embedded_tables`. Several processes may write at once."""

    def __init__(
        self,
        database_url: str,
        metrics: Metrics,
        *,
        append_timeout_seconds: float = 4.0,
        database_timeout_seconds: float = 2.0,
        buffer_bytes: int = BUFFER_BYTES,
        buffer_records: int = BUFFER_RECORDS,
        record_bytes: int = _RECORD_BYTES,
    ) -> None:
        self._database_url = database_url
        self._metrics = metrics
        self._append_timeout_seconds = append_timeout_seconds
        self._database_timeout_seconds = database_timeout_seconds
        self._buffer_bytes = buffer_bytes
        self._buffer_records = buffer_records
        self._record_bytes = record_bytes

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[LogWriter]:
        """See `EventLog.writer`."""
        buffer = AppendBuffer(
            self._metrics,
            timeout_seconds=self._append_timeout_seconds,
            max_bytes=self._buffer_bytes,
            max_records=self._buffer_records,
        )
        writer = EmbeddedWriter(
            self._database_url,
            buffer,
            database_timeout_seconds=self._database_timeout_seconds,
            record_bytes=self._record_bytes,
        )
        writer.start()
        try:
            yield writer
        finally:
            await writer.stop()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[LogReader]:
        """See `EventLog.reader`."""
        reader = EmbeddedReader(self._database_url, database_timeout_seconds=self._database_timeout_seconds)
        try:
            await reader.connect()
            yield reader
        finally:
            reader.close()
