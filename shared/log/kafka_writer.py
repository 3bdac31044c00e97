"""Appends to Kafka: waiting records of all requests share batches, one batch in flight a partition."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from shared.clock import Clock
from shared.log.append_buffer import AWAY_RETRY_SECONDS, AppendBuffer
from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_delivery import Delivery
from shared.log.kafka_lanes import Lanes
from shared.log.kafka_producer import ProducerKeeper, worded
from shared.log.kafka_topic import TopicUnusableError, describe_topic
from shared.log.port import AppendOutcome, LogUnavailableError, NewRecord

_log = structlog.get_logger(__name__)

_QUIET_TURNS = 4
"""Turns of the event loop without a new record after which nobody else is about to append one."""
_GATHER_SECONDS = 0.004
"""How long at most a round is kept open while more and more records come."""
_TAKE_RECORDS = 10_000
_TAKE_BYTES = 8 * 1024 * 1024
_CHECK_SECONDS = 1.8
_DRAIN_SECONDS = 2.0


class KafkaWriter:
    """Implements `LogWriter`.

    One batch in flight a partition keeps the order of a key through every retry. Batches are sent in rounds,
    for a batch costs as much as many records; partitions are split into lanes, so that one lane's round is with
    the broker while the other's is being filled.
    """

    def __init__(self, connection: KafkaConnection, buffer: AppendBuffer, clock: Clock) -> None:
        self._connection = connection
        self._buffer = buffer
        self._keeper = ProducerKeeper(connection, self._producer_changed)
        self._delivery = Delivery(connection.topic, buffer, self._keeper, clock)
        self._lanes: Lanes | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def append(self, records: Sequence[NewRecord]) -> Coroutine[Any, Any, list[AppendOutcome]]:
        """See `LogWriter.append`."""
        return self._buffer.append(records)

    async def check_writable(self) -> None:
        """See `LogWriter.check_writable`: every partition has a leader and enough copies in step."""
        in_use = self._keeper.current
        if in_use is None:
            raise self._away(self._buffer.away_because)
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                topic = await describe_topic(in_use.producer.client, self._connection.topic)
        except (KafkaError, OSError, TimeoutError, TopicUnusableError) as error:
            raise self._away(worded(error, self._connection)) from error
        if topic.unwritable:
            raise self._away(f"partitions {topic.unwritable} of the topic have too few copies in step")

    def start(self) -> None:
        """Begins to keep a producer and to send. Does not wait."""
        self._tasks = [asyncio.create_task(self._keeper.run()), asyncio.create_task(self._send())]
        for task in self._tasks:
            task.add_done_callback(_report_end)

    async def stop(self) -> None:
        """Turns new appends away, waits up to 2 s for what is under way, then gives up on the rest."""
        self._buffer.close()
        await self._buffer.drained(_DRAIN_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._keeper.stop()
        for partition in self._lanes.partitions if self._lanes is not None else ():
            self._buffer.answer_unavailable(partition.waiting, "the service is shutting down", "closed")
        self._buffer.fail_rest("the service is shutting down")

    def _producer_changed(self, away_because: str | None) -> None:
        reason = "Kafka did not acknowledge in time" if away_because is None else away_because
        if away_because is not None and reason != self._buffer.away_because:
            _log.warning("kafka_away", reason=reason)
        self._buffer.away_because = reason

    async def _send(self) -> None:
        while True:
            await self._buffer.arrived.wait()
            await self._gather()
            await self._keeper.ready.wait()
            in_use = self._keeper.current
            if in_use is None:
                continue
            if self._lanes is None:
                self._lanes = Lanes(in_use.topic.partitions, self._buffer.arrived.set)
            for waiting in self._buffer.take(_TAKE_RECORDS, _TAKE_BYTES):
                self._lanes.put(waiting)
            for lane in self._lanes:
                for partition in lane.sendable():
                    if self._keeper.current is in_use:
                        await self._delivery.next_batch(partition, lane, in_use)
                    else:  # one failed just now: the next producer sends the rest
                        self._buffer.arrived.set()

    async def _gather(self) -> None:
        """Lets requests that are being read join the round. A timer would be too coarse: uvloop's go by 1 ms."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _GATHER_SECONDS
        seen = self._buffer.waiting_records
        quiet = 0
        while quiet < _QUIET_TURNS and loop.time() < until:
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._buffer.waiting_records == seen else 0
            seen = self._buffer.waiting_records

    def _away(self, reason: str) -> LogUnavailableError:
        return LogUnavailableError(reason, retry_after_seconds=AWAY_RETRY_SECONDS, maybe_written=False)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("kafka_writer_broken", exc_info=task.exception())
