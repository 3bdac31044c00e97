"""Lookup over HTTP: the same normalisation as ingest, the same party."""

from collections.abc import AsyncIterator

import pytest

from tests.api_reader import CUSTOMER, M1, Reader, migrated_reader
from tests.projecting import purchase

LOOKUP = "/v1/customers/lookup"


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


@pytest.mark.parametrize("value", ["M1", " m-1 ", "m 1"])
async def test_an_identifier_finds_its_customer_however_it_is_written(reader: Reader, value: str) -> None:
    position = await reader.given(purchase(1))
    answer = await reader.client.post(LOOKUP, json={"type": "member", "value": value})
    assert answer.status_code == 200
    assert answer.json() == {"customer_id": CUSTOMER, "party_id": M1, "candidates": []}
    assert answer.headers["rapport-position"] == position.token()


async def test_an_identifier_that_no_event_names_is_unknown(reader: Reader) -> None:
    answer = await reader.client.post(LOOKUP, json={"type": "member", "value": "M1"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")
    assert answer.headers["rapport-position"] == "0"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"type": "email", "value": "no address"}', 422, "bad_identifier"),
        (b'{"type": "phone", "value": "12"}', 422, "bad_identifier"),
        (b'{"type": "member", "value": "unknown"}', 422, "bad_identifier"),
        (b'{"type": "member", "value": ""}', 422, "bad_identifier"),
        (b'{"type": "shoe size", "value": "44"}', 422, "schema_violation"),
        (b'{"type": "member"}', 422, "schema_violation"),
        (b'{"type": "member", "value": "M1", "more": 1}', 422, "schema_violation"),
        (b'{"type": "member", "value": "%s"}' % (b"1" * 513), 422, "schema_violation"),
        (b"[]", 422, "schema_violation"),
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b'{"type": "member", "value": "\xff"}', 400, "invalid_json"),
        (b'{"type": "member", "value": "\\ud800"}', 400, "invalid_json"),
        (b" " * 70_000, 413, "too_large"),
        (b'{"type": "external", "value": "a\\u0000b"}', 404, "unknown_customer"),
    ],
)  # fmt: skip
async def test_what_is_no_identifier_is_refused_with_its_code(
    reader: Reader, body: bytes, status: int, code: str
) -> None:
    answer = await reader.client.post(LOOKUP, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_only_json_is_taken_and_no_parameter(reader: Reader) -> None:
    form = await reader.client.post(LOOKUP, data={"type": "member", "value": "M1"})
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
    parameter = await reader.client.post(LOOKUP + "?x=1", json={"type": "member", "value": "M1"})
    assert (parameter.status_code, parameter.json()["code"]) == (422, "invalid_parameter")
