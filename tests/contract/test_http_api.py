"""The API keeps what its OpenAPI document says, whatever it is sent."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.api.access.roles import ROLES
from tests.api_reader import CUSTOMER, Reader, migrated_reader
from tests.complaining import acknowledged, assigned, created, happened, opened, resolved
from tests.contract.test_calls_by_role import NEEDS_NO_KEY, ROLES_OF_CALLS
from tests.credentials import access, key
from tests.http_server import served
from tests.projecting import projection, purchase, worker
from tests.redeeming import ACCOUNTS, grant

CALLS_AN_OPERATION = 30
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


M1 = {"customer": [{"type": "member", "value": "M1"}]}
TODAY = datetime.now(UTC)
EUROS = {"amount": "9.00", "currency": "EUR"}
DEAR = {
    **M1,
    "order_id": "dear",
    "total": {"amount": "10.00", "currency": "EUR"},
    "promised_total": EUROS,
    "lines": [{"sku": "tea", "quantity": "0.5", "unit_price": EUROS}],
}
CASES = (
    opened("09:00", claim={"amount": "5.00", "currency": "EUR"}),
    assigned("09:10", person="kim"),
    resolved("10:00", handling_fault="lying"),
    happened("reopened", "11:00"),
    happened("compensated", "12:00", kind="points", points=10),
    acknowledged("08:00"),
    created("10:00", complaint_id="C-1"),
    purchase(
        3, id="told", type="customer.described", data={**M1, "attributes": {"birthday": f"--{TODAY:%m-%d}"}}
    ),
    purchase(
        4,
        id="said",
        type="consent.changed",
        data={**M1, "purpose": "marketing", "granted": True, "channel": "sms"},
    ),
    purchase(5, id="came", type="interaction.recorded", data={**M1, "kind": "visit", "category": "sales"}),
    purchase(6, id="dear", data=DEAR),
)
CUSTOMERS = "/v1/customers"


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        await made.given(purchase(1), purchase(2), grant(100), *CASES)
        yield made


async def test_the_document_names_every_operation_its_answers_and_its_problem_codes(reader: Reader) -> None:
    document = (await reader.get("/openapi.json")).json()
    assert set(document["paths"]) == {call.partition(" ")[2] for call in ROLES_OF_CALLS} | NEEDS_NO_KEY
    timeline = document["paths"]["/v1/customers/{id}/timeline"]["get"]
    parameters = {(each["in"], each["name"]) for each in timeline["parameters"]}
    assert parameters == {
        ("path", "id"), ("query", "channel"), ("query", "type"), ("query", "category"), ("query", "from"),
        ("query", "to"), ("query", "points"), ("query", "order"), ("query", "limit"), ("query", "cursor"),
        ("query", "purpose"), ("header", "Rapport-At-Least"), ("header", "Prefer"), ("header", "If-None-Match"),
    }  # fmt: skip
    assert {status: codes_of(answer) for status, answer in timeline["responses"].items()} == {
        "200": [],
        "304": [],
        "401": ["unauthorized"],
        "403": ["forbidden_call", "forbidden_purpose"],
        "404": ["unknown_customer"],
        "413": ["too_large"],
        "422": ["invalid_parameter", "invalid_cursor", "invalid_position", "customer_too_large"],
        "429": ["rate_limited"],
        "431": ["headers_too_large"],
        "500": ["internal_error"],
        "503": [
            "position_not_reached",
            "database_unavailable",
            "overloaded",
            "issuer_unavailable",
            "key_store_unavailable",
            "access_not_recorded",
        ],
    }
    assert set(timeline["responses"]["200"]["headers"]) == {"Rapport-Position", "ETag", "Preference-Applied"}


def codes_of(answer: dict[str, Any]) -> list[str]:
    content = answer.get("content", {}).get("application/problem+json", {})
    codes: list[str] = content.get("schema", {}).get("properties", {}).get("code", {}).get("enum", [])
    return codes


async def test_a_real_page_and_the_documented_example_have_the_documented_shape(reader: Reader) -> None:
    document = (await reader.get("/openapi.json")).json()
    shape = {"$ref": "#/components/schemas/TimelinePage", "components": document["components"]}
    example = document["components"]["schemas"]["TimelinePage"]["examples"][0]
    for page in ((await reader.get(limit=1)).json(), example):
        jsonschema_rs.validate(shape, page)
        item = document["components"]["schemas"]["TimelineItem"]
        assert set(page["items"][0]) == set(item["properties"]) == set(item["required"])


async def test_a_real_customer_has_the_documented_shape(reader: Reader) -> None:
    document = (await reader.get("/openapi.json")).json()
    customer = (await reader.get(f"/v1/customers/{CUSTOMER}")).json()
    described = document["components"]["schemas"]["Customer"]
    jsonschema_rs.validate({**described, "components": document["components"]}, customer)
    assert set(customer) == set(described["properties"]) == set(described["required"])


@pytest.mark.parametrize(
    ("path", "name", "each"),
    [
        ("/v1/complaints/C-1", "Complaint", None),
        ("/v1/complaints", "ComplaintPage", "ListedComplaint"),
        ("/v1/complaints?overdue=true", "ComplaintPage", "ListedComplaint"),
        (f"{CUSTOMERS}/{CUSTOMER}/complaints", "ComplaintPage", "ListedComplaint"),
        ("/v1/complaints/C-1/history", "ComplaintHistoryPage", "ComplaintHistoryItem"),
        ("/v1/tasks?overdue=true", "TaskPage", "Task"),
        (f"{CUSTOMERS}/{CUSTOMER}/tasks", "TaskPage", "Task"),
        (f"{CUSTOMERS}/{CUSTOMER}/consents", "ConsentPage", "CustomerConsent"),
        (f"{CUSTOMERS}/{CUSTOMER}/card?purpose=complaint_handling", "RecognitionCard", None),
        (
            "/v1/complaints/report?from=2024-01-01T00:00:00Z&to=2025-01-01T00:00:00Z&by=handling_fault",
            "ComplaintReport",
            "ComplaintGroup",
        ),
        (f"{CUSTOMERS}/{CUSTOMER}/recommendations", "Recommendations", None),
        ("/v1/analytics/satisfaction", "SatisfactionReport", "SatisfactionGroup"),
        (
            "/v1/analytics/contact-centre?from=2024-01-01T00:00:00Z&to=2025-01-01T00:00:00Z&by=time,channel",
            "ContactCentreReport",
            "ContactCell",
        ),
    ],
)
async def test_real_complaints_tasks_and_cards_have_the_documented_shape(
    reader: Reader, path: str, name: str, each: str | None
) -> None:
    components = (await reader.get("/openapi.json")).json()["components"]
    found = (await reader.client.get(path)).json()
    jsonschema_rs.validate({"$ref": f"#/components/schemas/{name}", "components": components}, found)
    described = components["schemas"][name]
    assert set(found) == set(described["properties"]) == set(described["required"])
    if each is not None:
        assert found["items"]
        assert set(components["schemas"][each]["required"]) <= set(found["items"][0])


async def test_real_redemptions_and_holds_have_the_documented_shape(reader: Reader) -> None:
    document = (await reader.get("/openapi.json")).json()
    wishes = {
        "redemptions": ("Redemption", {"points": 10, "reward": "mug"}),
        "holds": ("Hold", {"points": 10, "expires_at": "2999-01-01T00:00:00Z"}),
    }
    async with worker(projection(reader.database_url, reader.log)):
        for path, (name, wish) in wishes.items():
            described = document["components"]["schemas"][name]
            answer = await reader.client.post(
                f"{ACCOUNTS}/M1/{path}", json=wish, headers={"idempotency-key": "k", "prefer": "wait=10"}
            )
            for told in (answer.json(), (await reader.get(answer.headers["location"])).json()):
                jsonschema_rs.validate({**described, "components": document["components"]}, told)
                assert set(told) == set(described["properties"]) == set(described["required"])


async def test_nothing_that_is_sent_breaks_the_document(database_url: str) -> None:
    desk, *others = (key("reader", roles=roles) for roles in (ROLES, ("front_line",), ()))
    async with migrated_reader(database_url, access=access(desk, *others)) as reader:
        await reader.given(purchase(1), purchase(2), grant(100), *CASES)
        document = (await reader.get("/openapi.json")).json()
        async with served(reader.service) as server, worker(projection(reader.database_url, reader.log)):
            url = f"http://127.0.0.1:{server.port}"
            await asyncio.to_thread(
                call_every_operation, document, url, [desk.token] * 8 + [each.token for each in others]
            )


def call_every_operation(document: dict[str, Any], base_url: str, tokens: Sequence[str]) -> None:
    """Calls each operation with valid and invalid requests, bearing the tokens in turn, and now and then what comes up;
    every answer has to be one that is documented.
    """
    turns = itertools.cycle((*tokens, None))
    schema = schemathesis.openapi.from_dict(document)
    with requests.Session() as session:
        for operation in operations_of(schema):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

                @settings(
                    max_examples=CALLS_AN_OPERATION,
                    deadline=None,
                    database=None,
                    derandomize=True,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(operation.as_strategy(generation_mode=mode))
                def answers_as_documented(case: Any) -> None:
                    token = next(turns)
                    if token is not None:
                        case.headers["Authorization"] = f"Bearer {token}"
                    # A write waits until it is decided, for which it has a worker; a read's position may never come.
                    case.headers["Prefer"] = "wait=2" if case.method == "POST" else "wait=0"
                    answer = case.call_and_validate(
                        base_url=base_url, session=session, checks=CHECKS, timeout=10
                    )
                    # The one server error that a request can cause: it asks for a position of the future.
                    assert answer.status_code < 500 or answer.json()["code"] == "position_not_reached"

                with suppress(Unsatisfiable):  # operations without parameters take no invalid request
                    answers_as_documented()


def operations_of(schema: Any) -> list[Any]:
    """The operations whose answers end; an unreadable one fails the test."""
    return [each for each in (found.ok() for found in schema.get_all_operations()) if each.path != "/v1/live"]
