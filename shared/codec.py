"""Between posted events and log records; personal fields pass the field cipher on the way in."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import replace

from shared.data_schema import data_schema, version_named_by
from shared.envelope import LogValue, PostedEvent, RecordedEvent, RecordedIdentifier
from shared.events.catalogue import Catalogue
from shared.events.data import EventData
from shared.events.personal_fields import PersonalFields, personal_fields
from shared.events.refusal import BadIdentifierError, EventRefusedError
from shared.events.text_safety import refuse_nul
from shared.events.vocabulary import Channel, outside_history
from shared.field_cipher import FieldCipher, NoCipher, Sealing
from shared.identifiers import PartyIds
from shared.log.port import StoredRecord

__all__ = [
    "FieldCipher",
    "NoCipher",
    "Sealing",
    "UndecodableRecordError",
    "decode_record",
    "encode_value",
    "event_hash",
    "stream_key",
]

_HASH_BYTES = 16
_NOT_PERSONAL_IDENTIFIERS = ("member", "account")
_ENCODER = msgspec.json.Encoder()
_VALUES = msgspec.json.Decoder(LogValue)


class UndecodableRecordError(Exception):
    """A log record that is no event of this catalogue. `reason` says why, without repeating its data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def event_hash(source: str, event_id: str) -> bytes:
    """16 bytes that stand for (source, id), by which repeats are found."""
    return hashlib.sha256(f"{source}\0{event_id}".encode()).digest()[:_HASH_BYTES]


def stream_key(data: EventData, customer: tuple[RecordedIdentifier, ...], party_ids: PartyIds) -> str:
    """The log key of an event: what it is ordered with. `customer` is strongest first, as
    `recorded_identifiers`.

    Raises `BadIdentifierError` where the event is its customer's, and nobody is named.
    """
    keyed_by = data.keyed_by()
    if keyed_by is None:
        if not customer:
            raise BadIdentifierError("data.customer: no identifier but placeholders", "/data/customer")
        return customer[0].party_id
    if keyed_by.kind == "member":
        return party_ids.of("member", keyed_by.value)
    return f"{keyed_by.kind}:{keyed_by.value}"


def encode_value(
    posted: PostedEvent,
    data: EventData,
    *,
    version: int,
    channel: Channel,
    customer: tuple[RecordedIdentifier, ...],
    recorded_time: datetime,
    cipher: FieldCipher,
    linked: tuple[RecordedIdentifier, ...] = (),
) -> bytes:
    """The value of the log record for a posted event; deterministic with `NoCipher`. Raises `KeyMissingError`.

    `data` is what `Catalogue.decode` made of the posted data, `version` the (newest) version it has since,
    `linked` the recorded identifiers that it names beside its customer's.
    """
    lifted = replace(data, **dict.fromkeys(data.LIFTED, UNSET))
    if isinstance(cipher, NoCipher):
        encoded = _ENCODER.encode(lifted)
    else:
        subject = sealing_subject(data, customer)
        encoded = _ENCODER.encode(_sealed_data(lifted, cipher, subject, posted.id))
        customer = _sealed_identifiers(customer, cipher, posted.id)
        linked = _sealed_identifiers(linked, cipher, posted.id)
    return _ENCODER.encode(
        LogValue(
            id=posted.id,
            source=posted.source,
            type=posted.type,
            time=posted.time,
            channel=channel,
            dataschema=data_schema(posted.type, version),
            recordedtime=recorded_time,
            data=Raw(encoded),
            customer=customer,
            linked=linked,
            sentat=posted.sentat,
            traceparent=posted.traceparent,
            causeid=posted.causeid,
        )
    )


def sealing_subject(data: EventData, customer: tuple[RecordedIdentifier, ...]) -> str:
    """Whose personal data it is: the customer's, or the case's or the task's where no customer is named."""
    if customer:
        return customer[0].party_id
    keyed_by = data.keyed_by()
    return f"{keyed_by.kind}:{keyed_by.value}" if keyed_by else ""


def subjects_to_seal(
    data: EventData, customer: tuple[RecordedIdentifier, ...], linked: tuple[RecordedIdentifier, ...]
) -> set[str]:
    """The subjects whose keys an event is sealed with; empty where it holds no personal data."""
    subjects = {each.party_id for each in (*customer, *linked) if each.type not in _NOT_PERSONAL_IDENTIFIERS}
    if _has_any(data, personal_fields(type(data))):
        subjects.add(sealing_subject(data, customer))
    return subjects


def _has_any(data: Any, fields: PersonalFields) -> bool:
    for name, category in fields.items():
        value = getattr(data, name)
        if (
            value is not None
            and value is not UNSET
            and (isinstance(category, str) or _has_any(value, category))
        ):
            return True
    return False


def _sealed_data(data: EventData, cipher: FieldCipher, subject: str, event_id: str) -> Any:
    fields = personal_fields(type(data))
    if not _has_any(data, fields):
        return data
    values = msgspec.to_builtins(data)
    _seal(values, fields, cipher, subject, event_id)
    return values


def _seal(
    values: dict[str, Any], fields: PersonalFields, cipher: FieldCipher, subject: str, event_id: str
) -> None:
    for name, category in fields.items():
        if values.get(name) is None:
            continue
        if isinstance(category, Mapping):
            _seal(values[name], category, cipher, subject, event_id)
        else:
            values[name] = cipher.seal(values[name], Sealing(subject, category, event_id))


def _sealed_identifiers(
    identifiers: tuple[RecordedIdentifier, ...], cipher: FieldCipher, event_id: str
) -> tuple[RecordedIdentifier, ...]:
    for each in identifiers:
        if each.type not in _NOT_PERSONAL_IDENTIFIERS:
            break
    else:
        return identifiers
    return tuple(
        each
        if each.type in _NOT_PERSONAL_IDENTIFIERS
        else replace(each, value=cipher.seal(each.value, Sealing(each.party_id, "contact", event_id)))
        for each in identifiers
    )


def decode_record(stored: StoredRecord, catalogue: Catalogue) -> RecordedEvent[EventData]:
    """The event of a log record, upcast to the newest version; what is sealed stays so.

    Raises `UndecodableRecordError`, and nothing else, for any bytes that are not such a record.
    """
    if stored.key is None or stored.value is None:
        raise UndecodableRecordError(f"the record has no {'key' if stored.key is None else 'value'}")
    try:
        key = stored.key.decode()
        value = _VALUES.decode(stored.value)
        refuse_nul(stored.value, "")
        version = version_named_by(value.dataschema, value.type)
        data = catalogue.decode_recorded(value.type, version or 1, value.data)
    except EventRefusedError as refused:
        raise UndecodableRecordError(refused.detail) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableRecordError(f"not a log value: {error}") from None
    _check_record(key, value, data)
    return RecordedEvent(
        partition=stored.partition,
        offset=stored.offset,
        stream_key=key,
        event_hash=event_hash(value.source, value.id),
        id=value.id,
        source=value.source,
        type=value.type,
        time=value.time.astimezone(UTC),
        recorded_time=value.recordedtime.astimezone(UTC),
        channel=value.channel,
        data=data,
        customer=value.customer,
        record=value,
    )


def _check_record(key: str, value: LogValue, data: EventData) -> None:
    """Raises `UndecodableRecordError` for what ingest never writes but a foreign producer may."""
    for time in (value.time, value.recordedtime, value.sentat):
        if time is not None and outside_history(time):
            raise UndecodableRecordError("a time before 1900 or beyond 9999")
    if any(getattr(data, name) is not UNSET for name in data.LIFTED):
        raise UndecodableRecordError(
            "identifiers stand in `data`; they belong beside it, with their party ids"
        )
    keyed_by = data.keyed_by()
    if keyed_by is None:
        if not value.customer:
            raise UndecodableRecordError("names no customer")
        expected = value.customer[0].party_id
    elif keyed_by.kind == "member":
        return
    else:
        if data.CUSTOMER_REQUIRED and not value.customer:
            raise UndecodableRecordError("names no customer")
        if not data.CUSTOMER_ALLOWED and value.customer:
            raise UndecodableRecordError("names a customer, though its type is about nobody")
        expected = f"{keyed_by.kind}:{keyed_by.value}"
    if key != expected:
        raise UndecodableRecordError("its key is not the stream key of its event")
