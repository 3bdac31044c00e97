"""The Kafka request that names a topic by its id: Metadata version 12, which aiokafka does not speak.

Topics have had ids since Kafka 2.8 (KIP-516). A topic deleted and made again under its old name has another
one, which is the only way to tell that the offsets kept for it mean nothing any more.
"""

from io import BytesIO
from typing import Any

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_UUID_BYTES = 16
_METADATA_API_KEY = 3


class Uuid(AbstractType[bytes]):
    """16 bytes; all zero where a topic is named instead."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """The value itself."""
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        """The next 16 bytes."""
        return data.read(_UUID_BYTES)


class TopicMetadataResponse(Response):
    """Metadata response, version 12."""

    API_KEY = _METADATA_API_KEY
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("in_sync", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class TopicMetadataRequestStruct(RequestStruct):
    """Metadata request, version 12."""

    API_KEY = _METADATA_API_KEY
    API_VERSION = 12
    RESPONSE_TYPE = TopicMetadataResponse
    FLEXIBLE_VERSION = True
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicMetadataRequest(Request[TopicMetadataRequestStruct]):
    """Asks for one topic by name, and never has it created."""

    API_KEY = _METADATA_API_KEY

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[TopicMetadataRequestStruct]) -> TopicMetadataRequestStruct:
        """The request as it goes over the wire."""
        no_tags: dict[int, Any] = {}
        return request_struct_class([(bytes(_UUID_BYTES), self._topic, no_tags)], False, False, no_tags)
