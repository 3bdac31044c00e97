"""The event log on a Kafka topic, for deployments of more than one machine."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from shared.clock import Clock, system_clock
from shared.log.append_buffer import USUAL_BOUNDS, AppendBounds, AppendBuffer
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
        bounds: AppendBounds = USUAL_BOUNDS,
        clock: Clock = system_clock,
    ) -> None:
        self._connection = connection
        self._metrics = metrics
        self._bounds = bounds
        self._clock = clock

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[LogWriter]:
        """See `EventLog.writer`."""
        writer = KafkaWriter(self._connection, AppendBuffer(self._metrics, self._bounds), self._clock)
        writer.start()
        try:
            yield writer
        finally:
            await writer.stop()

    def reader(self) -> AbstractAsyncContextManager[LogReader]:
        """See `EventLog.reader`."""
        return kafka_reader(self._connection)
