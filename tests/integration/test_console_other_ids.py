"""Screens of customers who are not, any more, whom their address says: joined with another, or erased."""

from collections.abc import AsyncIterator

import pytest

from shared.identifiers import customer_id_of
from tests.api_reader import CUSTOMER, M2, Reader
from tests.complaining import complaint_desk
from tests.console_guests import event
from tests.identifying import linked
from tests.projecting import purchase

ERASED = {"request_id": "R-1", "reason": "asked for it"}


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with complaint_desk(database_url) as (desk, _):
        yield desk


async def test_the_old_id_of_a_customer_who_was_joined_with_another_leads_to_both(reader: Reader) -> None:
    await reader.given(purchase(1), purchase(2, "M2"), linked(9, ("member", "M1"), ("member", "M2"), "l-1"))
    for customer_id in (CUSTOMER, customer_id_of(M2)):
        page = (await reader.client.get(f"/console/c/{customer_id}")).text
        assert "order o-1" in page
        assert "order o-2" in page


async def test_an_erased_customer_is_a_page_without_a_person(reader: Reader) -> None:
    await reader.given(
        event("told", "customer.described", attributes={"name": "Ada", "tags": ["regular"]}),
        event("came", "interaction.recorded", kind="visit", category="sales", summary="window seat"),
    )
    path = f"/console/c/{CUSTOMER}?purpose=complaint_handling"
    assert "<h1>Ada</h1>" in (await reader.client.get(path)).text
    gone = event("gone", "customer.erasure_requested", "2026-06-02T10:00:00Z", **ERASED)
    await reader.given({**gone, "source": "/rapport/erasure"})
    page = await reader.client.get(path)
    assert "Ada" not in page.text
    assert "window seat" not in page.text
    assert page.status_code in (200, 404)
    assert 'href="/console/"' in page.text
