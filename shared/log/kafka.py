"""The event log on a Kafka topic, for deployments of more than one machine."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from shared.clock import Clock, system_clock
from shared.log.append_buffer import BUFFER_BYTES, BUFFER_RECORDS, AppendBuffer
from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_reader import kafka_reader
from shared.log.kafka_writer import KafkaWriter
from shared.log.port import LogReader, LogWriter
from shared.metrics import Metrics


class KafkaLog:
    """Implements `EventLog` on one topic, which must exist (`shared.log.kafka_topic.create_topic`)."""

    def __init__(
        self,
        connection: KafkaConnection,
        metrics: Metrics,
        *,
        append_timeout_seconds: float = 4.0,
        buffer_bytes: int = BUFFER_BYTES,
        buffer_records: int = BUFFER_RECORDS,
        clock: Clock = system_clock,
    ) -> None:
        self._connection = connection
        self._metrics = metrics
        self._append_timeout_seconds = append_timeout_seconds
        self._buffer_bytes = buffer_bytes
        self._buffer_records = buffer_records
        self._clock = clock

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[LogWriter]:
        """See `EventLog.writer`."""
        buffer = AppendBuffer(
            self._metrics,
            timeout_seconds=self._append_timeout_seconds,
            max_bytes=self._buffer_bytes,
            max_records=self._buffer_records,
        )
        writer = KafkaWriter(self._connection, buffer, self._clock)
        writer.start()
        try:
            yield writer
        finally:
            await writer.stop()

    def reader(self) -> AbstractAsyncContextManager[LogReader]:
        """See `EventLog.reader`."""
        return kafka_reader(self._connection)
