"""The topic that holds the event log: what its brokers say about it, and how it is made."""

import asyncio
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.admin import DescribeConfigsRequest

from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_topic_metadata import TopicMetadataRequest

_TOPIC_RESOURCE = 2
_KAFKA_DEFAULT_MESSAGE_BYTES = 1_048_588
_NEW_TOPIC_MESSAGE_BYTES = 4 * 1024 * 1024


class TopicUnusableError(Exception):
    """The topic is missing or cannot take writes; the message says what to do."""


class TopicExistsError(Exception):
    """A topic of that name is there already; nothing was changed."""


class TopicMissingError(TopicUnusableError):
    """The brokers hold no topic of that name."""


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic at one moment."""

    log_id: str
    partitions: int
    max_message_bytes: int
    min_in_sync: int
    unwritable: tuple[int, ...]
    """Partitions without a leader or with fewer copies in step than an acknowledgement needs."""


async def describe_topic(client: AIOKafkaClient, topic: str) -> TopicDescription:
    """What a broker says about the topic now. The caller bounds the wait.

    Raises `TopicMissingError` or another `TopicUnusableError`, `KafkaError` or `OSError` when no broker answers.
    """
    node = _any_node(client)
    max_message_bytes, min_in_sync = await _limits(client, node, topic)
    log_id, partitions = await _metadata(client, node, topic)
    return TopicDescription(
        log_id=log_id,
        partitions=len(partitions),
        max_message_bytes=max_message_bytes,
        min_in_sync=min_in_sync,
        unwritable=tuple(
            sorted(
                partition
                for (_code, partition, leader, _epoch, _replicas, in_sync, _offline, _tags) in partitions
                if leader < 0 or len(in_sync) < min_in_sync
            )
        ),
    )


async def log_id_of(client: AIOKafkaClient, topic: str) -> str:
    """The topic's identity alone, for one request. Raises what `describe_topic` raises; the caller bounds the wait."""
    log_id, _ = await _metadata(client, _any_node(client), topic)
    return log_id


def _any_node(client: AIOKafkaClient) -> int:
    node: int | None = client.get_random_node()
    if node is None:
        raise TopicUnusableError("no Kafka broker is known; check the address in RAPPORT_LOG")
    return node


async def _metadata(client: AIOKafkaClient, node: int, topic: str) -> tuple[str, list[tuple[Any, ...]]]:
    """The log's id, of cluster and topic, and the partitions as `TopicMetadataResponse` has them."""
    try:
        answer = await client.send(node, TopicMetadataRequest(topic))
    except NotImplementedError as error:
        raise TopicUnusableError(
            "these Kafka brokers do not tell topic ids; run Kafka 3.1 or newer"
        ) from error
    (code, name, topic_id, _internal, partitions, _operations, _tags) = answer.topics[0]
    if for_code(code) is UnknownTopicOrPartitionError:
        raise TopicMissingError(f"the topic {name!r} does not exist; make it with: rapport topics create")
    if code:
        raise for_code(code)(f"topic {topic}")
    return (
        f"kafka:{answer.cluster_id}:{topic}:{urlsafe_b64encode(topic_id).rstrip(b'=').decode()}",
        partitions,
    )


async def _limits(client: AIOKafkaClient, node: int, topic: str) -> tuple[int, int]:
    """max.message.bytes and min.insync.replicas; Kafka's defaults where this client may not see them."""
    wanted = ["max.message.bytes", "min.insync.replicas"]
    answer = await client.send(node, DescribeConfigsRequest([(_TOPIC_RESOURCE, topic, wanted)]))
    (_code, _message, _type, _name, entries) = answer.resources[0]
    values = {entry[0]: int(entry[1]) for entry in entries if entry[1]}
    return values.get(wanted[0], _KAFKA_DEFAULT_MESSAGE_BYTES), values.get(wanted[1], 1)


async def create_topic(
    connection: KafkaConnection,
    *,
    partitions: int,
    replication_factor: int,
    min_in_sync: int,
    timeout_seconds: float = 30.0,
) -> TopicDescription:
    """Makes the topic, keeping every record for ever, and returns it once its partitions can be written.

    Raises `TopicExistsError`, `TopicUnusableError`, `KafkaError`; `TimeoutError` when there are not enough brokers
    in step for `min_in_sync` in time, which leaves the topic made.
    """
    async with asyncio.timeout(timeout_seconds):
        admin = AIOKafkaAdminClient(**connection.client_options())
        try:
            await admin.start()
            answer = await admin.create_topics(
                [
                    NewTopic(
                        connection.topic,
                        partitions,
                        replication_factor,
                        topic_configs=_topic_settings(min_in_sync),
                    )
                ]
            )
        finally:
            await admin.close()
    errors: list[tuple[str, int, str | None]] = getattr(answer, "topic_errors")  # noqa: B009  # untyped there
    for name, code, message in errors:
        if code == _TOPIC_ALREADY_EXISTS:
            raise TopicExistsError(f"the topic {name!r} exists already; its settings were left as they are")
        if code:
            raise TopicUnusableError(
                f"Kafka would not make the topic {name!r}: {message or for_code(code).__name__}"
            )
    async with asyncio.timeout(timeout_seconds):
        return await _when_writable(connection)


_TOPIC_ALREADY_EXISTS = 36


def _topic_settings(min_in_sync: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "min.insync.replicas": str(min_in_sync),
        "max.message.bytes": str(_NEW_TOPIC_MESSAGE_BYTES),
        # The broker's time, for it refuses a whole batch when a producer's clock runs an hour ahead.
        "message.timestamp.type": "LogAppendTime",
    }


async def _when_writable(connection: KafkaConnection) -> TopicDescription:
    client = AIOKafkaClient(**connection.client_options())
    try:
        await client.bootstrap()
        while True:
            with suppress(TopicUnusableError, KafkaError):
                description = await describe_topic(client, connection.topic)
                if not description.unwritable:
                    return description
            await asyncio.sleep(0.1)
    finally:
        await client.close()
