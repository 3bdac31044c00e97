"""One batch at a time to each partition: taken from what waits, handed to the producer, its records answered."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from shared.clock import Clock
from shared.log.append_buffer import AppendBuffer, Waiting
from shared.log.kafka_batch import batch_builder
from shared.log.kafka_lanes import Lane, Partition
from shared.log.kafka_producer import BATCH_BYTES, ProducerInUse, ProducerKeeper
from shared.log.port import RecordTooLargeError

_log = structlog.get_logger(__name__)

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


class Delivery:
    """Sends batches and answers their records through the buffer. Retires a producer that fails."""

    def __init__(self, topic: str, buffer: AppendBuffer, keeper: ProducerKeeper, clock: Clock) -> None:
        self._topic = topic
        self._buffer = buffer
        self._keeper = keeper
        self._clock = clock

    async def next_batch(self, partition: Partition, lane: Lane, in_use: ProducerInUse) -> None:
        """Hands the partition's next batch to the producer; returns before the broker has it.

        What the producer did not take waits again, at the head. Waits only while the topic is unknown, for at
        most the request time-out.
        """
        batch = self._taken(partition, in_use)
        if not batch:
            return
        lane.sent(partition)
        try:
            acknowledgement = await self._sent(partition, batch, in_use)
        except (KafkaError, AssertionError) as error:  # an assertion is how aiokafka says "no such partition"
            _wait_again(partition, batch)
            self._keeper.retire(in_use, error)
            lane.answered(partition)
        except asyncio.CancelledError:
            _wait_again(partition, batch)
            lane.answered(partition)
            raise
        except Exception as error:  # noqa: BLE001  # the partition must go on with its next batch
            _log.exception("kafka_delivery_broken", partition=partition.number)
            self._keeper.retire(in_use, error)
            self._buffer.answer_unavailable(batch, f"the append broke: {error}", type(error).__name__)
            lane.answered(partition)
        else:
            in_use.deliveries.add(acknowledgement)
            acknowledgement.add_done_callback(partial(self._acknowledged, partition, lane, in_use, batch))

    def _taken(self, partition: Partition, in_use: ProducerInUse) -> list[Waiting]:
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

    async def _sent(
        self, partition: Partition, batch: Sequence[Waiting], in_use: ProducerInUse
    ) -> asyncio.Future[Any]:
        builder = batch_builder(in_use.producer, sum([waiting.size_bytes for waiting in batch]))
        timestamp_ms = int(self._clock().timestamp() * 1000)
        for waiting in batch:
            if waiting.record is not None:
                key, value = waiting.record
                builder.append(timestamp=timestamp_ms, key=key, value=value)
                waiting.handed_over = True
        builder.close()
        acknowledgement: asyncio.Future[Any] = await in_use.producer.send_batch(
            builder, self._topic, partition=partition.number
        )
        return acknowledgement

    def _acknowledged(
        self,
        partition: Partition,
        lane: Lane,
        in_use: ProducerInUse,
        batch: Sequence[Waiting],
        acknowledgement: asyncio.Future[Any],
    ) -> None:
        in_use.deliveries.discard(acknowledgement)
        try:
            self._tell(partition, in_use, batch, acknowledgement)
        finally:
            lane.answered(partition)

    def _tell(
        self,
        partition: Partition,
        in_use: ProducerInUse,
        batch: Sequence[Waiting],
        acknowledgement: asyncio.Future[Any],
    ) -> None:
        buffer = self._buffer
        if acknowledgement.cancelled():
            reason = "Kafka did not acknowledge before the producer was stopped"
            buffer.answer_unavailable(batch, reason, "stopped")
        elif (error := acknowledgement.exception()) is not None:
            self._keeper.retire(in_use, error)
            for waiting in batch:
                waiting.handed_over = not isinstance(error, _REFUSED)
            buffer.answer_unavailable(batch, f"Kafka refused a batch: {error}", type(error).__name__)
        elif (offset := acknowledgement.result().offset) < 0:
            # A retried batch that the broker has stored but no longer remembers where.
            reason = "Kafka stored the events without saying where"
            buffer.answer_unavailable(batch, reason, "no_offset")
        else:
            buffer.answer_appended(batch, partition.number, offset)


def _wait_again(partition: Partition, batch: Sequence[Waiting]) -> None:
    """What was never queued is not lost by being tried again, until each record's time is up."""
    for waiting in batch:
        waiting.handed_over = False
    partition.waiting.extendleft(reversed(batch))
