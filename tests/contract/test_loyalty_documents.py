"""What the API answers of loyalty has the members and the shapes that its OpenAPI document says."""

from collections.abc import AsyncIterator
from typing import Any

import jsonschema_rs
import pytest

from tests.api_reader import CUSTOMER, Reader, migrated_reader
from tests.integration.test_api_loyalty import earned, event, held, redeemed


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        await made.given(
            earned(1, "2024-01-01T00:00:00Z", 2000, partner="bakery", expires_at="2999-01-01T00:00:00Z"),
            earned(2, "2024-01-01T00:00:00Z", 10, expires_at="2024-02-01T00:00:00Z"),
            redeemed(3, "2024-01-02T00:00:00Z", 50),
            held(4, "2024-01-03T00:00:00Z", 10, "2024-01-04T00:00:00Z"),
            event(5, "redemption_cancelled", "2024-01-05T00:00:00Z", redemption_id="r-3", reason="torn"),
        )
        yield made


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/loyalty/accounts/M1", "LoyaltyAccount"),
        ("/v1/loyalty/accounts/M1/entries", "LedgerEntryPage"),
        (f"/v1/customers/{CUSTOMER}/loyalty", "LoyaltyAccountPage"),
        ("/v1/loyalty/settlement?programme=circle&month=2024-01", "Settlement"),
    ],
)
async def test_an_answer_has_exactly_the_documented_members(reader: Reader, path: str, schema: str) -> None:
    document = (await reader.get("/openapi.json")).json()
    components = document["components"]
    answer = (await reader.client.get(path)).json()
    jsonschema_rs.validate({"$ref": f"#/components/schemas/{schema}", "components": components}, answer)
    shape = components["schemas"][schema]
    for members, described in ((answer, shape), *of_items(answer, shape, components)):
        assert set(members) == set(described["properties"]) == set(described["required"])


def of_items(answer: Any, shape: Any, components: Any) -> list[tuple[Any, Any]]:
    """The members of lists in an answer, each with its shape, however deep."""
    found = []
    for name, described in shape["properties"].items():
        if "$ref" in described.get("items", {}):
            inner = components["schemas"][described["items"]["$ref"].rpartition("/")[2]]
            for each in answer[name]:
                found += [(each, inner), *of_items(each, inner, components)]
    return found
