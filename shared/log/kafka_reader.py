"""Reads Kafka partitions from positions that the caller keeps: no group, nothing committed to Kafka."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from shared.log.append_buffer import AWAY_RETRY_SECONDS
from shared.log.kafka_connection import REQUEST_TIMEOUT_SECONDS, KafkaConnection
from shared.log.kafka_producer import worded
from shared.log.kafka_topic import (
    TopicDescription,
    TopicMissingError,
    TopicUnusableError,
    describe_topic,
    log_id_of,
)
from shared.log.port import (
    Bounds,
    LogIdentity,
    LogMissingError,
    LogTruncatedError,
    LogUnavailableError,
    StoredRecord,
)

Answer = TypeVar("Answer")

_STOP_SECONDS = 2.0
_FETCH_WAIT_SECONDS = 0.25
_LOOK_EVERY_SECONDS = 3.0
_ANSWER_SECONDS = REQUEST_TIMEOUT_SECONDS + 1.0


class KafkaReader:
    """Implements `LogReader`.

    A consumer alone does not tell a quiet log from a silent one, nor a topic from its successor of the same name. So
    `poll` asks a broker which topic it holds after every fetch that brought records, before it answers them, and
    every few seconds where none did: no record of a successor is ever taken for one of the topic that was sought.
    """

    def __init__(
        self, connection: KafkaConnection, consumer: AIOKafkaConsumer, client: AIOKafkaClient
    ) -> None:
        self._connection = connection
        self._consumer = consumer
        self._client = client
        self._positions: dict[int, int] = {}
        self._sought_log_id: str | None = None
        self._looked_at = 0.0
        self._fetched: list[StoredRecord] = []
        """Records whose topic is not confirmed yet: kept where a broker does not answer that."""

    async def identity(self) -> LogIdentity:
        """See `LogReader.identity`: the cluster's id, the topic's name and the topic's id."""
        topic = await self._describe()
        return LogIdentity(topic.log_id, topic.partitions)

    async def bounds(self, partitions: Sequence[int]) -> dict[int, Bounds]:
        """See `LogReader.bounds`."""
        await self._describe()
        wanted = [TopicPartition(self._connection.topic, partition) for partition in partitions]
        first = await self._answered(self._consumer.beginning_offsets(wanted))
        end = await self._answered(self._consumer.end_offsets(wanted))
        return {each.partition: Bounds(first[each], end[each]) for each in wanted}

    async def seek(self, positions: Mapping[int, int]) -> None:
        """See `LogReader.seek`."""
        topic = await self._describe()
        held = await self.bounds(list(positions))
        for partition, position in positions.items():
            if not held[partition].first <= position <= held[partition].end:
                raise LogTruncatedError(partition, position, held[partition])
        if positions:
            self._consumer.assign(
                [TopicPartition(self._connection.topic, partition) for partition in positions]
            )
            for partition, position in positions.items():
                self._consumer.seek(TopicPartition(self._connection.topic, partition), position)
        else:
            self._consumer.unsubscribe()
        self._positions = dict(positions)
        self._fetched = []
        self._sought_log_id = topic.log_id
        self._looked_at = asyncio.get_running_loop().time()

    async def poll(self, max_records: int, timeout_seconds: float) -> list[StoredRecord]:
        """See `LogReader.poll`. Raises `LogTruncatedError` too when the topic was deleted and made again."""
        if not self._positions:
            await self._look_now_and_then()
            await asyncio.sleep(timeout_seconds)
            return []
        if not self._fetched:
            self._fetched = await self._fetch(max_records, timeout_seconds)
        if not self._fetched:
            await self._look_now_and_then()
            return []
        await self._look()
        records, self._fetched = self._fetched, []
        for record in records:
            self._positions[record.partition] = record.offset + 1
        return records

    async def _fetch(self, max_records: int, timeout_seconds: float) -> list[StoredRecord]:
        try:
            fetched = await self._consumer.getmany(
                timeout_ms=int(timeout_seconds * 1000), max_records=max_records
            )
        except OffsetOutOfRangeError as error:
            await self._raise_truncated()
            await self._look()
            raise self._away(error) from error
        except (KafkaError, OSError) as error:
            raise self._away(error) from error
        return [
            StoredRecord(each.partition, record.offset, record.key, record.value)
            for each, found in fetched.items()
            for record in found
        ]

    async def _look_now_and_then(self) -> None:
        if asyncio.get_running_loop().time() - self._looked_at >= _LOOK_EVERY_SECONDS:
            await self._look()

    async def _look(self) -> None:
        """Raises `LogTruncatedError` where the topic is another one than that which was sought."""
        log_id = await self._answered(log_id_of(self._client, self._connection.topic))
        if self._sought_log_id is not None and log_id != self._sought_log_id:
            partition, position = next(iter(self._positions.items()))
            raise LogTruncatedError(partition, position, (await self.bounds([partition]))[partition])
        self._looked_at = asyncio.get_running_loop().time()

    async def _raise_truncated(self) -> None:
        held = await self.bounds(list(self._positions))
        for partition, position in self._positions.items():
            if not held[partition].first <= position <= held[partition].end:
                raise LogTruncatedError(partition, position, held[partition])

    async def _describe(self) -> TopicDescription:
        return await self._answered(describe_topic(self._client, self._connection.topic))

    async def _answered(self, question: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await question
        except (KafkaError, OSError, TimeoutError, TopicUnusableError) as error:
            raise self._away(error) from error

    def _away(self, error: BaseException) -> LogUnavailableError:
        kind = LogMissingError if isinstance(error, TopicMissingError) else LogUnavailableError
        return kind(
            worded(error, self._connection), retry_after_seconds=AWAY_RETRY_SECONDS, maybe_written=False
        )


@asynccontextmanager
async def kafka_reader(connection: KafkaConnection) -> AsyncIterator[KafkaReader]:
    """A connected reader. Raises `LogUnavailableError`; leaving takes at most a few seconds."""
    options = connection.client_options()
    client = AIOKafkaClient(**options)
    consumer = AIOKafkaConsumer(
        **options,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=int(_FETCH_WAIT_SECONDS * 1000),
    )
    try:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await client.bootstrap()
                await consumer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise LogUnavailableError(
                worded(error, connection), retry_after_seconds=AWAY_RETRY_SECONDS, maybe_written=False
            ) from error
        yield KafkaReader(connection, consumer, client)
    finally:
        await _stop(consumer)
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await client.close()


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Stops it in a task of its own: a fetch that `stop()` finds waiting after an error cancels the task that stops."""
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait({stopping}, timeout=_STOP_SECONDS)
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    if stopping.cancelled() or stopping.exception() is not None:
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await consumer._client.close()  # noqa: SLF001 - what `stop()` did not come to
