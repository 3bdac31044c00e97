"""Appends to Kafka: waiting records of all requests share batches, one batch in flight a partition."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from shared.clock import Clock
from shared.log.append_buffer import AWAY_RETRY_SECONDS, AppendBuffer, Waiting
from shared.log.kafka_batch import batch_builder
from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_producer import BATCH_BYTES, ProducerInUse, ProducerKeeper, worded
from shared.log.kafka_topic import TopicUnusableError, describe_topic
from shared.log.partitioning import partition_of
from shared.log.port import AppendOutcome, LogUnavailableError, NewRecord, RecordTooLargeError

_log = structlog.get_logger(__name__)

_QUIET_TURNS = 4
"""Turns of the event loop without a new record after which nobody else is about to append one."""
_GATHER_SECONDS = 0.004
"""How long at most a round is kept open while more and more records come."""
_ROUND_SECONDS = 0.01
"""How long at most a lane's next round waits for the batches of the one before."""
_LANES = 2
"""While one lane's batches are with the broker, the requests that the other's answered are read and answered."""
_TAKE_RECORDS = 10_000
_TAKE_BYTES = 8 * 1024 * 1024
_CHECK_SECONDS = 1.8
_DRAIN_SECONDS = 2.0
_BATCH_OVERHEAD_BYTES = 61
"""The header of a record batch."""
_RECORD_OVERHEAD_BYTES = 32
"""At most: five lengths of up to 5 bytes, attributes, and the deltas of time and offset."""
_REFUSED = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    InvalidTopicError,
)
"""Errors by which a broker says that it stored nothing of a batch."""


class _Partition:
    """What waits for one partition, and whether a batch of it is under way."""

    __slots__ = ("in_flight", "number", "waiting")

    def __init__(self, number: int) -> None:
        self.number = number
        self.waiting: deque[Waiting] = deque()
        self.in_flight = False


class _Lane:
    """Partitions whose batches are sent together, in rounds: the next ones fill up until these are answered."""

    __slots__ = ("late", "overdue", "partitions", "under_way")

    def __init__(self, partitions: list[_Partition]) -> None:
        self.partitions = partitions
        self.under_way = 0
        self.late = False
        self.overdue: asyncio.TimerHandle | None = None


class KafkaWriter:
    """Implements `LogWriter`.

    One batch in flight a partition keeps the order of a key through every retry. Batches are sent in rounds,
    for a batch costs as much as many records; partitions are split into lanes, so that one lane's round is with
    the broker while the other's is being filled. A round waits for the one before, but not for long: while one
    partition is stuck, the others flow.
    """

    def __init__(self, connection: KafkaConnection, buffer: AppendBuffer, clock: Clock) -> None:
        self._connection = connection
        self._buffer = buffer
        self._clock = clock
        self._keeper = ProducerKeeper(connection, self._producer_changed)
        self._partitions: list[_Partition] = []
        self._lanes: list[_Lane] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def append(self, records: Sequence[NewRecord]) -> list[AppendOutcome]:
        """See `LogWriter.append`."""
        return await self._buffer.append(records)

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
        for partition in self._partitions:
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
            self._route(in_use.topic.partitions)
            for lane in self._lanes:
                if lane.late or not lane.under_way:
                    self._begin_round(lane)

    def _begin_round(self, lane: _Lane) -> None:
        """Sends what waits for the partitions of a lane that have no batch under way."""
        in_use = self._keeper.current
        if in_use is None:
            if any(partition.waiting for partition in lane.partitions):
                self._buffer.arrived.set()
            return
        if not lane.under_way:
            lane.late = False
        for partition in lane.partitions:
            if partition.waiting and not partition.in_flight:
                self._deliver_next(partition, lane, in_use)
        if lane.under_way and not lane.late and lane.overdue is None:
            lane.overdue = asyncio.get_running_loop().call_later(_ROUND_SECONDS, self._no_longer, lane)

    def _no_longer(self, lane: _Lane) -> None:
        """From here on until all its batches are answered, a lane's partitions go each at its own pace."""
        lane.overdue = None
        lane.late = True
        self._begin_round(lane)

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

    def _route(self, partitions: int) -> None:
        if not self._partitions:
            self._partitions = [_Partition(number) for number in range(partitions)]
            self._lanes = [_Lane(self._partitions[number::_LANES]) for number in range(_LANES)]
        count = len(self._partitions)
        for waiting in self._buffer.take(_TAKE_RECORDS, _TAKE_BYTES):
            record = waiting.record
            if record is None:
                continue
            queue = self._partitions[partition_of(record.key, count)].waiting
            while queue and queue[0].record is None:
                queue.popleft()
            queue.append(waiting)

    def _deliver_next(self, partition: _Partition, lane: _Lane, in_use: ProducerInUse) -> None:
        """Sends the partition's next batch, in a task which begins the lane's next round when it is the last."""
        batch = self._next_batch(partition, in_use)
        if not batch:
            return
        partition.in_flight = True
        lane.under_way += 1
        delivery = asyncio.create_task(self._deliver(partition, lane, in_use, batch))
        in_use.deliveries.add(delivery)
        delivery.add_done_callback(in_use.deliveries.discard)

    def _next_batch(self, partition: _Partition, in_use: ProducerInUse) -> list[Waiting]:
        limit = in_use.topic.max_message_bytes
        # What cannot be compressed grows by its frame, by less than a thousandth.
        record_limit = limit - limit // 1000 - _BATCH_OVERHEAD_BYTES
        room = min(BATCH_BYTES, record_limit)
        batch: list[Waiting] = []
        size = 0
        queue = partition.waiting
        while queue:
            waiting = queue[0]
            record_size = waiting.size_bytes + _RECORD_OVERHEAD_BYTES
            if waiting.record is None:
                pass
            elif record_size > record_limit:
                self._buffer.answer(
                    waiting, RecordTooLargeError(waiting.size_bytes, record_limit - _RECORD_OVERHEAD_BYTES)
                )
            else:
                size += record_size
                if size > room and batch:
                    break
                batch.append(waiting)
            queue.popleft()
        return batch

    async def _deliver(
        self, partition: _Partition, lane: _Lane, in_use: ProducerInUse, batch: list[Waiting]
    ) -> None:
        try:
            await self._deliver_batch(partition, in_use, batch)
        except asyncio.CancelledError:
            self._buffer.answer_unavailable(
                batch, "Kafka did not acknowledge before the producer was stopped", "stopped"
            )
            raise
        except Exception as error:  # noqa: BLE001  # the partition must go on with its next batch
            _log.exception("kafka_delivery_broken", partition=partition.number)
            self._keeper.retire(in_use, error)
            self._buffer.answer_unavailable(batch, f"the append broke: {error}", type(error).__name__)
        finally:
            partition.in_flight = False
            lane.under_way -= 1
            if not lane.under_way and lane.overdue is not None:
                lane.overdue.cancel()
                lane.overdue = None
            if lane.late or not lane.under_way:
                self._begin_round(lane)

    async def _deliver_batch(
        self, partition: _Partition, in_use: ProducerInUse, batch: list[Waiting]
    ) -> None:
        batch = [waiting for waiting in batch if waiting.record is not None]
        if not batch:
            return
        producer = in_use.producer
        builder = batch_builder(producer, sum(waiting.size_bytes for waiting in batch))
        timestamp_ms = int(self._clock().timestamp() * 1000)
        for waiting in batch:
            if waiting.record is not None:
                key, value = waiting.record
                builder.append(timestamp=timestamp_ms, key=key, value=value)
                waiting.handed_over = True
        builder.close()
        try:
            acknowledgement = await producer.send_batch(
                builder, self._connection.topic, partition=partition.number
            )
        except (KafkaError, AssertionError) as error:  # an assertion is how aiokafka says "no such partition"
            # Never queued, so nothing is lost by trying again until each record's time is up.
            for waiting in batch:
                waiting.handed_over = False
            partition.waiting.extendleft(reversed(batch))
            self._keeper.retire(in_use, error)
            return
        try:
            stored = await acknowledgement
        except KafkaError as error:
            self._keeper.retire(in_use, error)
            for waiting in batch:
                waiting.handed_over = not isinstance(error, _REFUSED)
            self._buffer.answer_unavailable(batch, f"Kafka refused a batch: {error}", type(error).__name__)
            return
        if stored.offset < 0:
            # A retried batch that the broker has stored but no longer remembers where.
            self._buffer.answer_unavailable(
                batch, "Kafka stored the events without saying where", "no_offset"
            )
        else:
            self._buffer.answer_appended(batch, partition.number, stored.offset)

    def _away(self, reason: str) -> LogUnavailableError:
        return LogUnavailableError(reason, retry_after_seconds=AWAY_RETRY_SECONDS, maybe_written=False)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("kafka_writer_broken", exc_info=task.exception())
