import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import zstandard

from tests.ingest_door import PARTY_IDS, Door, error_of, open_door, purchase


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


def bomb(encoding: str, size_bytes: int) -> bytes:
    if encoding == "gzip":
        return gzip.compress(bytes(size_bytes))
    return zstandard.ZstdCompressor(write_content_size=False).compress(bytes(size_bytes))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"nope",
        b"[1,]",
        b'{"id": NaN}',
        b"\xff\xfe",
        b'{"id": "\xff"}',
        b'{"id": "a\x00b"}',
        b"[" * 100_000,
        b"[" * 2000 + b"]" * 2000,
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b'["\\ud800"',
    ],
    ids=lambda body: repr(body[:12]),
)
async def test_a_body_that_is_not_json_is_400(door: Door, body: bytes) -> None:
    answer = await door.post(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")
    assert answer.headers["content-type"] == "application/problem+json"
    assert door.values() == []


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_truncated_or_garbled_compressed_body_is_400(door: Door, encoding: str) -> None:
    whole = bomb(encoding, 1000)
    for body in (whole[:-3], b"garbage", b"", whole + b"garbage"):
        answer = await door.post(body, content_encoding=encoding)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json"), body[:20]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_many_empty_compressed_pieces_are_refused(door: Door, encoding: str) -> None:
    empty = gzip.compress(b"") if encoding == "gzip" else zstandard.ZstdCompressor().compress(b"")
    answer = await door.post(empty * 10_000, content_encoding=encoding)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_compression_bomb_is_413(door: Door, encoding: str) -> None:
    answer = await door.post(bomb(encoding, 200_000_000), content_encoding=encoding)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_ten_thousand_events_in_one_request_are_413(door: Door) -> None:
    for body, content_type in (
        (json.dumps([purchase(str(n)) for n in range(10_000)]).encode(), "application/json"),
        (b"{}\n" * 10_000, "application/x-ndjson"),
        (b"[" + b"{}," * 1_000_000 + b"{}]", "application/cloudevents-batch+json"),
    ):
        answer = await door.post(body, content_type)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert door.values() == []


async def test_as_many_events_as_allowed_are_accepted(door: Door) -> None:
    answer = await door.post([purchase(str(n)) for n in range(5000)])
    assert (answer.status_code, answer.json()["accepted"]) == (202, 5000)


async def test_a_body_over_the_bound_is_413(door: Door) -> None:
    answer = await door.post(b"[" + b" " * (5 * 1024 * 1024) + b"]")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_streamed_body_over_the_bound_is_413(door: Door) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(6 * 16):
            yield b" " * 65536

    answer = await door.client.post(
        "/v1/events", content=endless(), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_an_event_of_65_kib_is_rejected_alone(door: Door) -> None:
    large = purchase("large", data={"order_id": "x" * 65 * 1024})
    answer = await door.post([purchase("small"), large])
    assert answer.status_code == 207
    assert answer.json()["results"][1]["id"] == "large"
    assert error_of(answer, 1)["code"] == "event_too_large"


async def test_an_event_of_exactly_the_bound_is_not_too_large() -> None:
    event = json.dumps(purchase()).encode()
    padded = event[:-1] + b" " * (2048 - len(event)) + b"}"
    async with open_door(event_bytes=2048) as door:
        assert (await door.post(padded)).status_code == 202
        assert error_of(await door.post(b" " + padded))["code"] == "event_too_large"


@pytest.mark.parametrize(
    ("event", "code", "pointer"),
    [
        (purchase(type="purchase.imagined"), "unknown_type", "/type"),
        (purchase(dataschema="urn:rapport:purchase.completed:9"), "unknown_version", "/dataschema"),
        (purchase(dataschema="https://example.org/schema"), "unknown_version", "/dataschema"),
        (purchase(specversion="0.3"), "schema_violation", "/specversion"),
        (purchase(id=""), "schema_violation", "/id"),
        (purchase(id="x" * 129), "schema_violation", "/id"),
        (purchase(id=7), "schema_violation", "/id"),
        (purchase(colour="red"), "schema_violation", "/colour"),
        (purchase(channel=None), "schema_violation", "/channel"),
        (purchase(channel="pigeon"), "schema_violation", "/channel"),
        (purchase(time="2026-03-01T18:30:00"), "schema_violation", "/time"),
        (purchase(time="yesterday"), "schema_violation", "/time"),
        (purchase(time="0001-01-01T00:00:00+14:00"), "schema_violation", "/time"),
        (purchase(time="9999-12-31T23:59:59-14:00"), "schema_violation", "/time"),
        (purchase(sentat="0001-01-01T00:00:00+14:00"), "schema_violation", "/sentat"),
        (purchase(time="2026-03-03T12:00:00Z"), "time_in_future", "/time"),
        (
            purchase(data={"total": {"amount": 25.0, "currency": "EUR"}}),
            "schema_violation",
            "/data/total/amount",
        ),
        (
            purchase(data={"total": {"amount": "1e3", "currency": "EUR"}}),
            "schema_violation",
            "/data/total/amount",
        ),
        (purchase(data={"surprise": 1}), "schema_violation", "/data/surprise"),
        (purchase(data={"order_id": "a\0b"}), "schema_violation", "/data/order_id"),
        (purchase("a\0b"), "schema_violation", "/id"),
        (purchase(data={"order_id": "\ud800"}), "schema_violation", "/data/order_id"),
        (purchase(data={"customer": []}), "schema_violation", "/data/customer"),
        (purchase(data={"customer": [{"type": "email", "value": "nobody"}]}), "bad_identifier", None),
        (purchase(data={"customer": [{"type": "phone", "value": "12"}]}), "bad_identifier", None),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
async def test_a_bad_event_is_rejected_and_its_neighbour_is_not(
    door: Door, event: dict[str, Any], code: str, pointer: str | None
) -> None:
    answer = await door.post([event, purchase("good")])
    assert answer.status_code == 207
    error = error_of(answer)
    assert (error["code"], error["retryable"]) == (code, False)
    assert pointer is None or error["pointer"] == pointer
    assert [value["id"] for value in door.values()] == ["good"]


@pytest.mark.parametrize("value", ["", "-1", "null", "None", "UNKNOWN", "anonymous", "000", "--", "  "])
async def test_placeholders_are_no_identifiers(door: Door, value: str) -> None:
    answer = await door.post(purchase(data={"customer": [{"type": "member", "value": value}]}))
    assert answer.status_code == 422
    assert error_of(answer)["code"] == "bad_identifier"


def referral(identifier_type: str, value: str) -> dict[str, Any]:
    referred = [{"type": identifier_type, "value": value}]
    return purchase() | {
        "type": "referral.made",
        "data": {"customer": [{"type": "member", "value": "M-17"}], "referred": referred},
    }


async def test_who_was_referred_is_named_by_an_identifier_and_sealed(door: Door) -> None:
    nobody = await door.post(referral("email", "-1"))
    assert error_of(nobody)["pointer"] == "/data/referred"
    unreadable = await door.post(referral("phone", "x"))
    assert error_of(unreadable)["pointer"] == "/data/referred/0/value"
    assert (await door.post(referral("email", "A@b.example"))).status_code == 202
    [value] = door.values()
    [named] = value["linked"]
    assert named["party_id"] == PARTY_IDS.of("email", "a@b.example")
    assert "a@b.example" not in str(value).lower()


async def test_a_scoring_run_is_taken_from_nobody_else(door: Door) -> None:
    run = {
        "run_id": "r",
        "as_of": "2026-01-01T00:00:00Z",
        "position": "0:1",
        "customers": 0,
        "parameters": {},
    }
    error = error_of(await door.post(purchase() | {"type": "analytics.run_completed", "data": run}))
    assert (error["code"], error["pointer"]) == ("schema_violation", "/source")
    assert door.values() == []


async def test_a_placeholder_beside_an_identifier_is_dropped(door: Door) -> None:
    customer = [{"type": "member", "value": "unknown"}, {"type": "phone", "value": "+49 30 901820"}]
    assert (await door.post(purchase(data={"customer": customer}))).status_code == 202
    (value,) = door.values()
    [phone] = value["customer"]
    assert (phone["type"], phone["party_id"]) == ("phone", PARTY_IDS.of("phone", "+4930901820"))


async def test_an_event_up_to_a_day_ahead_is_accepted(door: Door) -> None:
    assert (await door.post(purchase(time="2026-03-02T12:00:00Z"))).status_code == 202


async def test_events_that_are_no_objects_are_rejected_each(door: Door) -> None:
    answer = await door.post([1, "two", None, [], {}])
    assert answer.status_code == 422
    assert [result["error"]["code"] for result in answer.json()["results"]] == ["schema_violation"] * 5


async def test_a_batch_type_with_a_single_event_is_400(door: Door) -> None:
    answer = await door.post(purchase(), "application/cloudevents-batch+json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


async def test_data_nested_too_deeply_is_refused(door: Door) -> None:
    event = json.dumps(purchase(data={"details": None})).replace("null", "[" * 900 + "]" * 900)
    assert (await door.post(event.encode())).status_code in (400, 422)


async def test_other_methods_are_405(door: Door) -> None:
    answer = await door.client.get("/v1/events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["code"] == "method_not_allowed"
