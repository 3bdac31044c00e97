"""The event log in a PostgreSQL table, for one machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.log.append_buffer import USUAL_BOUNDS, AppendBounds, AppendBuffer
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
        bounds: AppendBounds = USUAL_BOUNDS,
        database_timeout_seconds: float = 2.0,
        record_bytes: int = _RECORD_BYTES,
    ) -> None:
        self._database_url = database_url
        self._metrics = metrics
        self._bounds = bounds
        self._database_timeout_seconds = database_timeout_seconds
        self._record_bytes = record_bytes

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[LogWriter]:
        """See `EventLog.writer`."""
        writer = EmbeddedWriter(
            self._database_url,
            AppendBuffer(self._metrics, self._bounds),
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
