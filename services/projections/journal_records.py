"""A row of the journal as the record that the log held."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from msgspec import json

from shared.log.port import StoredRecord

RECORD_COLUMNS = (
    "log_offset", "stream_key", "event_id", "source", "type", "time", "recorded_time", "channel", "attributes", "data",
)  # fmt: skip
"""What `journalled_record` takes, in its order."""

_text = json.Encoder().encode


def journalled_record(partition: int, row: Iterable[Any]) -> StoredRecord:
    """The log's record of a journal row: the same event, written with its times in UTC."""
    offset, key, event_id, source, type_, time, recorded_time, channel, attributes, data = row
    head = _text(
        {
            "id": event_id,
            "source": source,
            "type": type_,
            "time": _utc(time),
            "channel": channel,
            "recordedtime": _utc(recorded_time),
        }
    )
    # `attributes` is an object that always has `dataschema`, so its inside can follow and be followed by a member.
    value = b'%b,%b,"data":%b}' % (head[:-1], attributes[1:-1].encode(), data.encode())
    return StoredRecord(partition, offset, key.encode(), value)


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)
