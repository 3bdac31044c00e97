from typing import Any

import msgspec
import pytest

from shared.events.refusal import EventRefusedError, SchemaViolationError
from shared.events.violation import refusal_of
from shared.posted import read_posted
from tests.strategies import CATALOGUE

POSTED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "a1",
    "source": "/store/bkk-01/pos-3",
    "type": "loyalty.enrolled",
    "time": "2024-05-01T12:00:00+07:00",
    "channel": "store",
    "data": {"account_id": "M1", "programme": "circle"},
}


def refused(**changes: Any) -> tuple[str, str]:
    posted = {key: value for key, value in {**POSTED, **changes}.items() if value is not ...}
    with pytest.raises(SchemaViolationError) as refusal:
        read_posted(msgspec.json.encode(posted))
    return refusal.value.detail, refusal.value.pointer


def refused_data(event_type: str, data: bytes) -> EventRefusedError:
    with pytest.raises(EventRefusedError) as refusal:
        CATALOGUE.decode(event_type, None, data)
    return refusal.value


def test_an_envelope_is_read() -> None:
    assert read_posted(msgspec.json.encode(POSTED)).id == "a1"


@pytest.mark.parametrize("extension", ["subject", "tracestate"])
def test_attributes_that_senders_add_by_themselves_are_taken(extension: str) -> None:
    assert read_posted(msgspec.json.encode({**POSTED, extension: "x"})).id == "a1"


@pytest.mark.parametrize(
    ("changes", "detail", "pointer"),
    [
        ({"specversion": "0.3"}, "specversion: not one of 1.0", "/specversion"),
        ({"id": ""}, "id: must not be empty", "/id"),
        ({"id": "x" * 129}, "id: more than 128 characters", "/id"),
        ({"id": 7}, "id: expected a string, got a whole number", "/id"),
        ({"id": ...}, "id: required", "/id"),
        ({"data": ...}, "data: required", "/data"),
        ({"source": "a b"}, "source: not a URI reference such as /store/bkk-01/pos-3", "/source"),
        ({"source": "/a\n"}, "source: not a URI reference such as /store/bkk-01/pos-3", "/source"),
        (
            {"time": "2024-05-01T12:00:00"},
            "time: a time without an offset; end it in Z or +07:00",
            "/time",
        ),
        ({"time": 1714564800}, "time: expected a time in a string, got a whole number", "/time"),
        ({"time": "1800-01-01T00:00:00Z"}, "time: a time must lie between 1900 and 9999 in UTC", "/time"),
        ({"sentat": "9999-12-31T23:00:00-09:00"}, "sentat: a time must lie between 1900 and 9999 in UTC", "/sentat"),
        (
            {"channel": "pigeon"},
            "channel: not one of app, chat, email, event, fax, mail, partner, phone, sms, social, store, web",
            "/channel",
        ),
        ({"traceparent": "00-zz"}, "traceparent: not a W3C trace parent", "/traceparent"),
        ({"data_base64": "e30="}, "data_base64: unknown field", "/data_base64"),
        ({"a/b~c": 1}, "a/b~c: unknown field", "/a~1b~0c"),
        ({"id": "a\0b"}, "id: a NUL character, which cannot be stored", "/id"),
        ({"data": {"n": ["a\0"]}}, "data.n[0]: a NUL character, which cannot be stored", "/data/n/0"),
        ({"data": {"a\0": 1}}, "data: a NUL character, which cannot be stored", "/data"),
    ],
)  # fmt: skip
def test_a_wrong_envelope_is_refused_where_it_is_wrong(
    changes: dict[str, Any], detail: str, pointer: str
) -> None:
    assert refused(**changes) == (detail, pointer)


@pytest.mark.parametrize(
    ("text", "detail", "pointer"),
    [
        (b"", "event: not valid JSON", ""),
        (b"[]", "event: expected an object, got an array", ""),
        (b'{"id":"\\ud800"}', "id: half of a surrogate pair (\\ud800 to \\udfff), which is no character", "/id"),
        (b'{"id":"\xff"}', "event: not UTF-8 at byte 7", ""),
        (b'{"data":' + b"[" * 100_000, "event: nested too deeply", ""),
    ],
)  # fmt: skip
def test_bytes_that_are_no_event_are_refused(text: bytes, detail: str, pointer: str) -> None:
    with pytest.raises(SchemaViolationError) as refusal:
        read_posted(text)
    assert (refusal.value.detail, refusal.value.pointer) == (detail, pointer)


def test_a_name_too_long_to_repeat_is_cut_and_pointed_at_by_its_object() -> None:
    detail, pointer = refused(**{"x" * 10_000: 1})
    assert len(detail) < 100
    assert pointer == ""


@pytest.mark.parametrize("name", ["x` - at `$.id", "`", "x`", "…", "\\", '"', "$.id[0]"])
def test_a_name_meant_to_mislead_is_still_an_unknown_field(name: str) -> None:
    detail, _ = refused(**{name: 1})
    assert detail.endswith(": unknown field")


def test_a_field_given_twice_is_judged_where_it_is_first_wrong() -> None:
    data = b'{"order_id":"o","lines":[],"total":{"amount":1.5},"total":7,"customer":[]}'
    refusal = refused_data("purchase.completed", data)
    assert (refusal.detail, refusal.pointer) == ("data.total.amount: not a decimal", "/data/total/amount")


def test_a_map_given_twice_is_pointed_at_as_a_whole() -> None:
    data = b'{"kind":"visit","category":"service","details":{"a":1.5},"details":7}'
    assert refused_data("interaction.recorded", data).pointer == "/data/details"


def test_no_value_of_the_event_is_repeated() -> None:
    data = b'{"kind":"secret-kind","category":"service"}'
    assert "secret" not in refused_data("interaction.recorded", data).detail


def test_a_message_of_another_msgspec_is_passed_on() -> None:
    class Counted(msgspec.Struct):
        field: int

    refusal = refusal_of(msgspec.ValidationError("Some news - at `$.field`"), Counted, "data", b"{}")
    assert (refusal.detail, refusal.pointer) == ("data.field: Some news", "/data/field")


@pytest.mark.parametrize("depth", [100, 500, 900, 990, 10_000])
@pytest.mark.parametrize("escape", [rb"\u0000", rb"\ud800"])
def test_however_deep_a_bad_text_lies_the_event_is_refused(depth: int, escape: bytes) -> None:
    text = b'{"data":' + b"[" * depth + b'"' + escape + b'"' + b"]" * depth + b"}"
    whole = msgspec.json.encode({**POSTED, "data": 0}).replace(b'"data":0', text[1:-1])
    with pytest.raises(SchemaViolationError) as refusal:
        CATALOGUE.decode("loyalty.enrolled", 1, read_posted(whole).data)
    assert len(refusal.value.detail) < 4096
