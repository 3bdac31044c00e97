from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.ingest.openapi import schema_name
from shared.events.catalogue import Catalogue
from tests.ingest_door import Door, open_door


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return {reference for item in node for reference in references(item)}
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*(references(member) for member in node.values()))


def resolves(document: Any, reference: str) -> bool:
    node = document
    for step in reference.removeprefix("#/").split("/"):
        if not isinstance(node, dict) or step not in node:
            return False
        node = node[step]
    return True


async def test_every_type_has_a_schema_that_its_listing_leads_to(door: Door) -> None:
    items = (await door.client.get("/v1/events/schemas")).json()["items"]
    assert [(item["type"], item["version"]) for item in items] == Catalogue().types()
    for item in items:
        schema = (await door.client.get(item["href"])).json()
        assert schema["$id"] == item["dataschema"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/events/schemas/no.type/1", 404, "unknown_type"),
        ("/v1/events/schemas/purchase.completed/9", 404, "unknown_version"),
        ("/v1/events/schemas/purchase.completed/newest", 422, "invalid_parameter"),
        ("/v1/nothing", 404, "not_found"),
    ],
)
async def test_what_is_not_there_is_a_problem(door: Door, path: str, status: int, code: str) -> None:
    answer = await door.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_openapi_describes_posting_with_every_content_type_and_answer(door: Door) -> None:
    document = (await door.client.get("/openapi.json")).json()
    posting = document["paths"]["/v1/events"]["post"]
    assert set(posting["requestBody"]["content"]) == {
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json",
        "application/x-ndjson",
    }
    assert {"202", "207", "422", "400", "413", "415", "503"} <= set(posting["responses"])
    assert len(document["components"]["schemas"]["Event"]["oneOf"]) == len(Catalogue().types())
    assert {"/healthz", "/readyz", "/metrics", "/asyncapi.json"} <= set(document["paths"])


async def test_asyncapi_describes_the_log_and_the_door(door: Door) -> None:
    document = (await door.client.get("/asyncapi.json")).json()
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]["log"]["messages"]) == {
        schema_name(name) for name, _ in Catalogue().types()
    }
    assert document["operations"]["ingest"]["action"] == "receive"


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json"])
async def test_references_between_components_resolve(door: Door, path: str) -> None:
    document = (await door.client.get(path)).json()
    assert [each for each in references(document) if not resolves(document, each)] == []
