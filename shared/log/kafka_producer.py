"""Keeps one working idempotent producer at hand, and replaces it after an error that ends a batch for good.

Such a batch has used up sequence numbers: every later one to its partition would fail with
OutOfOrderSequenceNumber until a new producer, with a new id, is there (aiokafka issue 1017). The old one is
left the time to finish what other partitions have in flight.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.log.kafka_connection import REQUEST_TIMEOUT_SECONDS, KafkaConnection
from shared.log.kafka_topic import TopicDescription, TopicUnusableError, describe_topic

_log = structlog.get_logger(__name__)

_START_SECONDS = 2 * REQUEST_TIMEOUT_SECONDS
_RETRY_SECONDS = 0.25
_DESCRIBE_EVERY_SECONDS = 3.0
"""How long a limit may be believed that the topic no longer has: events over it are rejected for good."""
_RETIREMENT_SECONDS = 30.0
_STOP_SECONDS = 0.7
BATCH_BYTES = 512 * 1024


class ProducerInUse:
    """A started producer, the topic as it was described last, and the deliveries that lean on it."""

    def __init__(self, producer: AIOKafkaProducer, topic: TopicDescription) -> None:
        self.producer = producer
        self.topic = topic
        self.deliveries: set[asyncio.Future[Any]] = set()


class ProducerKeeper:
    """Runs as a task beside the writer. `current` is None while no broker takes writes."""

    def __init__(self, connection: KafkaConnection, on_change: Callable[[str | None], None]) -> None:
        self._connection = connection
        self._on_change = on_change
        self._partitions: int | None = None
        self._wanted = asyncio.Event()
        self._retirements: set[asyncio.Task[None]] = set()
        self.current: ProducerInUse | None = None
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled: starts a producer, looks at the topic now and then, starts anew after `retire`."""
        while True:
            try:
                in_use = await self._start()
            except Exception as error:  # noqa: BLE001  # whatever it was, the next attempt may do
                self._on_change(worded(error, self._connection))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._on_change(None)
            self._wanted.clear()
            self.current = in_use
            self.ready.set()
            await self._watch(in_use)

    def retire(self, in_use: ProducerInUse, because: BaseException | None = None) -> None:
        """Takes a producer out of use, because of an error unless the writer stops. May be repeated."""
        if self.current is not in_use:
            return
        if because is not None:
            _log.warning("kafka_producer_replaced", reason=repr(because), topic=self._connection.topic)
        self.current = None
        self.ready.clear()
        self._wanted.set()
        retirement = asyncio.create_task(self._retirement(in_use))
        self._retirements.add(retirement)
        retirement.add_done_callback(self._retirements.discard)

    async def stop(self) -> None:
        """Stops every producer, in order if they can, else by force, within 3 s. Call after `run` ended."""
        if self.current is not None:
            self.retire(self.current)
        # Each must have begun before it is cancelled, or it would not stop its producer.
        await asyncio.sleep(0)
        for retirement in self._retirements:
            retirement.cancel()
        await asyncio.gather(*self._retirements, return_exceptions=True)

    async def _start(self) -> ProducerInUse:
        producer = AIOKafkaProducer(
            **self._connection.client_options(),
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=BATCH_BYTES,
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                await producer.start()
                topic = await describe_topic(producer.client, self._connection.topic)
            self._demand_same_partitions(topic)
        except BaseException:
            await _stop(producer)
            raise
        return ProducerInUse(producer, topic)

    async def _watch(self, in_use: ProducerInUse) -> None:
        """Returns once another producer is wanted, at once: every partition waits for that one."""
        looking = asyncio.create_task(self._look_now_and_then(in_use))
        try:
            await self._wanted.wait()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look_now_and_then(self, in_use: ProducerInUse) -> None:
        while True:
            await asyncio.sleep(_DESCRIBE_EVERY_SECONDS)
            # A broker that does not answer here shows in the deliveries; what was known stays true enough.
            with suppress(KafkaError, OSError, TimeoutError, TopicUnusableError):
                async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                    in_use.topic = await describe_topic(in_use.producer.client, self._connection.topic)

    def _demand_same_partitions(self, topic: TopicDescription) -> None:
        if self._partitions is None:
            self._partitions = topic.partitions
        elif self._partitions != topic.partitions:
            raise TopicUnusableError(
                f"the topic {self._connection.topic!r} has {topic.partitions} partitions now and had "
                f"{self._partitions}: keys would change partition; make the topic as it was"
            )

    async def _retirement(self, in_use: ProducerInUse) -> None:
        try:
            if in_use.deliveries:
                await asyncio.wait(in_use.deliveries, timeout=_RETIREMENT_SECONDS)
        finally:
            await _stop(in_use.producer)
            deliveries = tuple(in_use.deliveries)
            for delivery in deliveries:
                delivery.cancel()
            await asyncio.gather(*deliveries, return_exceptions=True)


async def _stop(producer: AIOKafkaProducer) -> None:
    """`stop()` waits for brokers that may never answer: it is cut off after a while, its batches failed."""
    stopping = asyncio.create_task(producer.stop())
    await asyncio.wait({stopping}, timeout=_STOP_SECONDS)
    if not stopping.done():
        # There is no public way to give up on batches; without it the producer would retry them for ever.
        producer._message_accumulator.fail_all(KafkaError("the producer was stopped"))  # noqa: SLF001
        await asyncio.wait({stopping}, timeout=_STOP_SECONDS)
        stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(_STOP_SECONDS):
            await producer.client.close()


def worded(error: BaseException, connection: KafkaConnection) -> str:
    """Why the log is away, for a person."""
    if isinstance(error, TopicUnusableError):
        return str(error)
    said = str(error) or type(error).__name__
    return f"Kafka at {connection.bootstrap} does not answer ({said})"
