"""What of a record of the log may be shown to operators: attributes, data without personal fields, harmless bytes."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shared.codec import UndecodableRecordError
from shared.envelope import RecordedEvent
from shared.events.data import EventData
from shared.events.personal_fields import PersonalFields, personal_fields
from shared.log.port import StoredRecord

_PERSONAL = "(personal)"
_PREVIEW_BYTES = 240
_ESCAPED_FROM, _ESCAPED_TO = 0x20, 0x7E


def described(stored: StoredRecord, decode: Callable[[StoredRecord], RecordedEvent[Any]]) -> dict[str, Any]:
    """`event` where the record can be decoded, else `undecodable`, why, and `record`, a preview of its bytes.

    The customer is named by type and party id. The preview is printable ASCII; what a foreign producer wrote in it is
    unknown, personal data included.
    """
    try:
        event = decode(stored)
    except UndecodableRecordError as error:
        record = {"key": _preview(stored.key), "value": _preview(stored.value)}
        return {"undecodable": error.reason, "record": record}
    value = event.record
    declared: type[EventData] = type(event.data)
    data = msgspec.to_builtins(event.data)
    return {
        "event": {
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "time": event.time.isoformat(),
            "recordedtime": event.recorded_time.isoformat(),
            "channel": event.channel,
            "dataschema": value.dataschema,
            "stream_key": event.stream_key,
            "customer": [{"type": each.type, "party_id": each.party_id} for each in value.customer],
            "linked": [{"type": each.type, "party_id": each.party_id} for each in value.linked],
            "traceparent": value.traceparent,
            "causeid": value.causeid,
            "data": _masked(data, personal_fields(declared)),
        }
    }


def _masked(data: Mapping[str, Any], fields: PersonalFields) -> dict[str, Any]:
    shown = {}
    for name, value in data.items():
        category = fields.get(name)
        if category is None or value is None:
            shown[name] = value
        elif isinstance(category, Mapping) and isinstance(value, Mapping):
            shown[name] = _masked(value, category)
        else:
            shown[name] = _PERSONAL
    return shown


def _preview(content: bytes | None) -> dict[str, Any] | None:
    if content is None:
        return None
    head = content[:_PREVIEW_BYTES]
    text = "".join(
        chr(each) if _ESCAPED_FROM <= each <= _ESCAPED_TO and each != ord("\\") else f"\\x{each:02x}"
        for each in head
    )
    return {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "begins": text,
        "whole": len(content) <= _PREVIEW_BYTES,
    }
