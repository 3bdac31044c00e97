import gzip
import json
from collections.abc import AsyncIterator

import pytest
import zstandard

from tests.ingest_door import Door, error_of, open_door, purchase


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


def ids(door: Door) -> list[str]:
    return sorted(value["id"] for value in door.values())


async def test_one_structured_event_is_accepted(door: Door) -> None:
    answer = await door.post(purchase("a1"), "application/cloudevents+json; charset=UTF-8")
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "position": answer.json()["position"],
        "results": [{"index": 0, "id": "a1", "status": "accepted"}],
    }
    assert ids(door) == ["a1"]


async def test_a_batch_is_accepted_in_order(door: Door) -> None:
    answer = await door.post([purchase("a1"), purchase("a2")], "application/cloudevents-batch+json")
    assert answer.status_code == 202
    assert [result["id"] for result in answer.json()["results"]] == ["a1", "a2"]


async def test_plain_json_may_be_one_event_or_an_array(door: Door) -> None:
    assert (await door.post(purchase("a1"))).json()["accepted"] == 1
    assert (await door.post(b" \n" + json.dumps([purchase("a2")]).encode())).json()["accepted"] == 1


async def test_lines_are_one_event_each_and_blank_ones_do_not_count(door: Door) -> None:
    lines = b"\n".join(
        [json.dumps(purchase("a1")).encode(), b"", json.dumps(purchase("a2")).encode(), b"\r\n"]
    )
    answer = await door.post(lines, "application/x-ndjson")
    assert [result["index"] for result in answer.json()["results"]] == [0, 1]
    assert ids(door) == ["a1", "a2"]


async def test_a_broken_line_refuses_the_request_and_names_the_line(door: Door) -> None:
    answer = await door.post(json.dumps(purchase()).encode() + b"\n{", "application/x-ndjson")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")
    assert "line 2" in answer.json()["detail"]
    assert door.values() == []


async def test_binary_mode_takes_percent_encoded_attributes_from_headers(door: Door) -> None:
    answer = await door.post(
        purchase()["data"],
        "application/json",
        ce_specversion="1.0",
        ce_id="caf%C3%A9%20%22a%22",
        ce_source="/store/bkk-01",
        ce_type="purchase.completed",
        ce_time="2026-03-01T18:30:00+07:00",
        ce_channel="store",
        ce_causeid='"task \\"7\\""',
    )
    assert answer.status_code == 202
    (value,) = door.values()
    assert (value["id"], value["source"], value["causeid"]) == ('café "a"', "/store/bkk-01", 'task "7"')
    assert value["data"]["order_id"] == "o-1"


async def test_binary_mode_without_a_body_lacks_its_data(door: Door) -> None:
    answer = await door.post(
        b"", None, ce_specversion="1.0", ce_id="b1", ce_source="/s", ce_type="t", ce_time="x"
    )
    assert answer.status_code == 422
    assert error_of(answer)["code"] == "schema_violation"


async def test_binary_mode_refuses_an_attribute_that_is_not_utf8(door: Door) -> None:
    answer = await door.post(purchase()["data"], ce_specversion="1.0", ce_id="%ff")
    assert answer.status_code == 422
    assert error_of(answer)["pointer"] == "/id"


async def test_structured_mode_wins_over_attribute_headers(door: Door) -> None:
    await door.post(purchase("body"), "application/cloudevents+json", ce_id="header")
    assert ids(door) == ["body"]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "zstd"])
async def test_compressed_bodies_are_understood(door: Door, encoding: str) -> None:
    body = json.dumps([purchase("a1"), purchase("a2")]).encode()
    compress = zstandard.ZstdCompressor().compress if encoding == "zstd" else gzip.compress
    answer = await door.post(compress(body), content_encoding=encoding)
    assert answer.json()["accepted"] == 2


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
async def test_compressed_bodies_may_come_in_several_pieces(door: Door, compress: object) -> None:
    assert callable(compress)
    body = json.dumps(purchase()).encode()
    encoding = "gzip" if compress is gzip.compress else "zstd"
    answer = await door.post(compress(body[:50]) + compress(body[50:]), content_encoding=encoding)
    assert answer.json()["accepted"] == 1


async def test_a_batch_of_no_events_is_accepted(door: Door) -> None:
    answer = await door.post([])
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 0, "duplicates": 0, "rejected": 0, "position": "0", "results": []}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/json; charset=latin1", None]
)
async def test_other_content_types_are_415_and_told_what_to_send(
    door: Door, content_type: str | None
) -> None:
    answer = await door.post(purchase(), content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "application/x-ndjson" in answer.headers["accept-post"]


async def test_other_encodings_are_415(door: Door) -> None:
    answer = await door.post(purchase(), content_encoding="br")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["accept-encoding"] == "gzip, zstd"
