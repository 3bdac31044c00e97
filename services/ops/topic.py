"""The Kafka topic of the event log, made with settings that fit the cluster's size."""

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from shared.log.kafka_connection import KafkaConnection
from shared.log.kafka_topic import TopicDescription, TopicExistsError, TopicUnusableError, create_topic
from shared.settings import Settings

_MOST_COPIES = 3


async def make_topic(settings: Settings, copies: int | None) -> tuple[TopicDescription, int]:
    """Makes the topic that `RAPPORT_LOG` names, with `copies` of each record, and answers how many copies it has.

    None means three, or as many as there are brokers; an acknowledgement needs all copies but one. Raises
    `TopicExistsError`, and `TopicUnusableError` where no broker answers or makes it.
    """
    connection = KafkaConnection.of_settings(settings)
    try:
        chosen = copies or min(_MOST_COPIES, await _brokers(connection))
        description = await create_topic(
            connection,
            partitions=settings.partitions,
            replication_factor=chosen,
            min_in_sync=max(1, chosen - 1),
        )
    except (KafkaError, OSError) as error:  # a time-out too
        raise TopicUnusableError(
            f"Kafka at {connection.bootstrap} does not answer ({type(error).__name__}); "
            "check the address, and RAPPORT_KAFKA_SECURITY if it wants TLS or a password"
        ) from error
    return description, chosen


async def ensure_topic(settings: Settings) -> None:
    """The topic is there afterwards. Raises `TopicUnusableError`."""
    try:
        await make_topic(settings, None)
    except TopicExistsError:
        return


async def _brokers(connection: KafkaConnection) -> int:
    client = AIOKafkaClient(**connection.client_options())
    try:
        await client.bootstrap()
        return max(1, len(client.cluster.brokers()))
    finally:
        await client.close()
