from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from shared.codec import (
    FieldCipher,
    NoCipher,
    Sealing,
    UndecodableRecordError,
    decode_record,
    encode_value,
    event_hash,
    stream_key,
)
from shared.events import EVENT_CLASSES
from shared.events.data import EventData
from shared.events.loyalty import LoyaltyEnrolled
from shared.events.personal_fields import PersonalFields, personal_fields
from shared.events.refusal import BadIdentifierError
from shared.identifiers import recorded_identifiers
from shared.log.port import StoredRecord
from shared.posted import read_posted
from tests.strategies import (
    CATALOGUE,
    PARTY_IDS,
    RECORDED_TIME,
    JsonObject,
    posted_events,
    record_of,
    recorded_events,
)

PURCHASE: JsonObject = {
    "specversion": "1.0",
    "id": "a1",
    "source": "/store/bkk-01/pos-3",
    "type": "purchase.completed",
    "time": "2024-05-01T12:00:00+07:00",
    "channel": "store",
    "data": {
        "customer": [{"type": "email", "value": "Ann@Example.org"}, {"type": "member", "value": "m-1"}],
        "order_id": "o1",
        "total": {"amount": "12.50", "currency": "EUR"},
        "lines": [],
    },
}
COMPLAINT: JsonObject = {
    **PURCHASE,
    "type": "complaint.opened",
    "data": {
        "customer": [{"type": "email", "value": "ann@example.org"}],
        "complaint_id": "c1",
        "summary": "the soup was cold",
        "cause": "other",
        "severity": "low",
    },
}


class ReversingCipher:
    """Seals a value as its JSON backwards, so that a test sees what passed through."""

    def __init__(self) -> None:
        self.sealings: list[Sealing] = []

    def seal(self, value: Any, sealing: Sealing) -> Any:
        self.sealings.append(sealing)
        return "sealed:" + msgspec.json.encode(value).decode()[::-1]

    def open(self, sealed: Any) -> Any:
        return msgspec.json.decode(sealed.removeprefix("sealed:")[::-1])


def sealed_record_of(posted: JsonObject, cipher: FieldCipher) -> StoredRecord:
    envelope = read_posted(msgspec.json.encode(posted))
    data = CATALOGUE.decode(envelope.type, None, envelope.data)
    named = () if data.customer is UNSET else data.customer
    customer = recorded_identifiers(named, "DE", PARTY_IDS)
    value = encode_value(
        envelope,
        data,
        version=1,
        channel="web",
        customer=customer,
        recorded_time=RECORDED_TIME,
        cipher=cipher,
    )
    return StoredRecord(0, 0, stream_key(data, customer, PARTY_IDS).encode(), value)


def with_value(record: StoredRecord, **changes: Any) -> StoredRecord:
    value = msgspec.json.decode(record.value or b"")
    return record._replace(value=msgspec.json.encode({**value, **changes}))


def reason_for(record: StoredRecord) -> str:
    with pytest.raises(UndecodableRecordError) as refused:
        decode_record(record, CATALOGUE)
    return refused.value.reason


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(posted=posted_events())
def test_what_is_encoded_is_decoded_alike(posted: JsonObject) -> None:
    sent = CATALOGUE.decode(posted["type"], None, msgspec.json.encode(posted["data"]))
    read = decode_record(record_of(posted, partition=3, offset=7), CATALOGUE)
    assert read.data == replace(sent, **dict.fromkeys(sent.LIFTED, UNSET))
    assert (read.partition, read.offset, read.id, read.source) == (3, 7, posted["id"], posted["source"])
    assert read.time == datetime.fromisoformat(posted["time"])
    assert (read.time.tzinfo, read.recorded_time) == (UTC, RECORDED_TIME)
    assert read.record.causeid == posted.get("causeid")
    assert read.event_hash == event_hash(posted["source"], posted["id"])


def test_the_customer_is_lifted_out_with_party_ids_and_the_strongest_first() -> None:
    record = record_of(PURCHASE)
    read = decode_record(record, CATALOGUE)
    assert [(each.type, each.value) for each in read.customer] == [
        ("member", "M1"),
        ("email", "ann@example.org"),
    ]
    assert read.stream_key == read.party_id == PARTY_IDS.of("member", "M1")
    assert b"customer" not in msgspec.json.decode(record.value or b"")["data"]


def test_a_purchase_that_names_a_member_shares_the_key_of_that_account() -> None:
    purchase = decode_record(record_of(PURCHASE), CATALOGUE)
    account = LoyaltyEnrolled(account_id="M 1", programme="circle")
    assert stream_key(account, (), PARTY_IDS) == purchase.stream_key


def test_cases_and_tasks_are_keyed_by_their_own_id() -> None:
    assert decode_record(record_of(COMPLAINT), CATALOGUE).stream_key == "complaint:c1"


def test_an_event_of_nobody_has_no_key() -> None:
    data = CATALOGUE.decode("purchase.completed", 1, msgspec.json.encode(PURCHASE["data"]))
    with pytest.raises(BadIdentifierError):
        stream_key(data, (), PARTY_IDS)


def test_an_event_hash_tells_source_from_id() -> None:
    assert len(event_hash("/a", "b")) == 16
    assert event_hash("/a", "b") == event_hash("/a", "b")
    assert event_hash("/a", "bc") != event_hash("/ab", "c")


def test_encoding_the_same_event_again_gives_the_same_bytes() -> None:
    assert record_of(PURCHASE) == record_of(PURCHASE)


def categories(fields: PersonalFields) -> set[str]:
    found: set[str] = set()
    for category in fields.values():
        found |= {category} if isinstance(category, str) else categories(category)
    return found


def test_every_category_of_personal_data_has_fields() -> None:
    marked = set().union(*(categories(personal_fields(each)) for each in EVENT_CLASSES))
    assert marked == {"identity", "contact", "preference", "health", "free_text"}


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(posted=posted_events(*[each for each in EVENT_CLASSES if personal_fields(each)]))
def test_sealed_personal_data_is_carried_through_and_opens_to_what_was_sent(posted: JsonObject) -> None:
    cipher = ReversingCipher()
    plain = decode_record(record_of(posted), CATALOGUE)
    sealed = decode_record(sealed_record_of(posted, cipher), CATALOGUE)
    assert type(sealed.data) is type(plain.data)
    assert opened(sealed.data, personal_fields(type(sealed.data)), cipher) == msgspec.to_builtins(plain.data)


def opened(data: EventData, fields: PersonalFields, cipher: ReversingCipher) -> Any:
    def open_fields(values: dict[str, Any], fields: PersonalFields) -> None:
        for name, category in fields.items():
            if values.get(name) is None:
                continue
            if isinstance(category, str):
                assert values[name].startswith("sealed:")
                values[name] = cipher.open(values[name])
            else:
                open_fields(values[name], category)

    values = msgspec.to_builtins(data)
    open_fields(values, fields)
    return values


def test_sealing_is_bound_to_the_subject_the_category_and_the_event() -> None:
    cipher = ReversingCipher()
    record = sealed_record_of(COMPLAINT, cipher)
    party_id = PARTY_IDS.of("email", "ann@example.org")
    assert cipher.sealings == [Sealing(party_id, "free_text", "a1"), Sealing(party_id, "contact", "a1")]
    assert b"soup" not in (record.value or b"")
    assert b"ann@" not in (record.value or b"")


def test_where_nobody_is_named_the_case_is_the_subject() -> None:
    cipher = ReversingCipher()
    note = {**COMPLAINT, "type": "complaint.note_added", "data": {"complaint_id": "c1", "note": "rang twice"}}
    sealed_record_of(note, cipher)
    assert cipher.sealings == [Sealing("complaint:c1", "free_text", "a1")]


def test_member_numbers_are_no_personal_data() -> None:
    read = decode_record(sealed_record_of(PURCHASE, ReversingCipher()), CATALOGUE)
    assert read.customer[0].value == "M1"
    assert read.customer[1].value.startswith("sealed:")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "purchase.dreamt_of", "dataschema": "urn:rapport:purchase.dreamt_of:1"}, "no event type"),
        ({"dataschema": "urn:rapport:purchase.completed:2"}, "has no version 2"),
        ({"dataschema": "urn:rapport:purchase.refunded:1"}, "dataschema"),
        ({"customer": []}, "names no customer"),
        ({"customer": [{"type": "member", "value": "M2", "party_id": "pty_other"}]}, "not the stream key"),
        ({"data": PURCHASE["data"]}, "identifiers stand in `data`"),
        ({"data": {}}, "data.order_id: required"),
        ({"data": 7}, "data: expected an object"),
        ({"time": "1850-01-01T00:00:00Z"}, "a time before 1900"),
        ({"recordedtime": "0001-01-01T00:00:00+14:00"}, "a time before 1900"),
        ({"time": "2024-05-01T12:00:00"}, "not a log value"),
        ({"id": ""}, "not a log value"),
        ({"id": "a\0"}, "a NUL character"),
        ({"channel": "pigeon"}, "not a log value"),
    ],
)
def test_a_record_that_ingest_would_not_write_says_what_is_wrong(changes: JsonObject, reason: str) -> None:
    assert reason in reason_for(with_value(record_of(PURCHASE), **changes))


@pytest.mark.parametrize("missing", ["key", "value"])
def test_a_record_without_key_or_value_says_so(missing: str) -> None:
    whole = record_of(PURCHASE)
    broken = whole._replace(key=None) if missing == "key" else whole._replace(value=None)
    assert reason_for(broken) == f"the record has no {missing}"


def test_a_key_in_no_encoding_is_undecodable() -> None:
    assert "not a log value" in reason_for(record_of(PURCHASE)._replace(key=b"\xff"))


def test_members_of_a_later_envelope_are_ignored() -> None:
    read = decode_record(with_value(record_of(PURCHASE), later="news"), CATALOGUE)
    assert read.id == "a1"


@settings(max_examples=400)
@given(key=st.none() | st.binary(max_size=40), value=st.none() | st.binary(max_size=200))
def test_any_other_bytes_are_undecodable_and_nothing_else(key: bytes | None, value: bytes | None) -> None:
    with pytest.raises(UndecodableRecordError):
        decode_record(StoredRecord(0, 0, key, value), CATALOGUE)


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(posted=posted_events(), drawn=st.data())
def test_a_damaged_record_is_decoded_or_undecodable_and_nothing_else(
    posted: JsonObject, drawn: st.DataObject
) -> None:
    record = record_of(posted)
    value = bytearray(record.value or b"")
    for _ in range(drawn.draw(st.integers(1, 3))):
        at = drawn.draw(st.integers(0, len(value) - 1))
        value[at : at + drawn.draw(st.integers(0, 3))] = drawn.draw(st.binary(max_size=3))
    with suppress(UndecodableRecordError):
        decode_record(record._replace(value=bytes(value)), CATALOGUE)


@given(event=recorded_events())
def test_projections_see_the_class_that_the_catalogue_declares(event: Any) -> None:
    assert type(event.data) in EVENT_CLASSES
    assert event.data.customer is UNSET


def test_without_a_cipher_values_pass_as_they_are() -> None:
    sealing = Sealing("pty", "health", "e")
    assert NoCipher().seal("x", sealing) == "x"
