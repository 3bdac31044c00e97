"""Who came and who called, over HTTP: at a unit and below it, each customer once, of late."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api_reader import CUSTOMER, Reader, migrated_reader
from tests.identifying import linked
from tests.projecting import purchase
from tests.redeeming import Hand
from tests.strategies import JsonObject

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url, clock=Hand(NOW)) as made:
        yield made


def contact(time: str, member: str = "M1", **data: Any) -> JsonObject:
    said = {"customer": [{"type": "member", "value": member}], "kind": "visit", "category": "sales", **data}
    id_ = f"{member}-{time}-{data.get('location')}-{data.get('kind')}"
    return purchase(0, id=id_, type="interaction.recorded", time=f"2026-07-01T{time}:00Z", data=said)


async def arrivals(reader: Reader, location: str, **query: Any) -> list[tuple[str, str]]:
    answer = await reader.get("/v1/arrivals", location=location, **query)
    assert answer.status_code == 200, answer.text
    return [(each["time"][11:16], each["location"]) for each in answer.json()["items"]]


async def test_a_unit_sees_who_came_to_it_and_to_those_below_it_newest_first(reader: Reader) -> None:
    await reader.given(
        contact("10:00", "M1", location="hq/gz-1"),
        contact("11:00", "M2", location="hq/gz-1/bar"),
        contact("11:30", "M3", location="hq/gz-10"),
        contact("11:40", "M4", location="hq/gz_1"),
        contact("11:50", "M5"),
    )
    assert await arrivals(reader, "hq/gz-1") == [("11:00", "hq/gz-1/bar"), ("10:00", "hq/gz-1")]
    assert await arrivals(reader, "/hq/gz-1/") == await arrivals(reader, "hq/gz-1")
    assert await arrivals(reader, "hq/gz_1") == [("11:40", "hq/gz_1")]
    assert await arrivals(reader, "hq/nowhere") == []


async def test_calls_count_and_other_contacts_and_what_we_began_do_not(reader: Reader) -> None:
    await reader.given(
        contact("10:00", "M1", kind="call", direction="inbound", location="hq"),
        contact("10:01", "M2", kind="call", direction="outbound", location="hq"),
        contact("10:02", "M3", kind="email", location="hq"),
    )
    assert await arrivals(reader, "hq") == [("10:00", "hq")]


async def test_a_customer_is_named_once_by_the_latest_whatever_they_were_known_by(reader: Reader) -> None:
    await reader.given(
        contact("10:00", "M1", location="hq"),
        contact("11:00", "M2", location="hq"),
        linked(9, ("member", "M1"), ("member", "M2"), "l-1"),
    )
    answer = (await reader.get("/v1/arrivals", location="hq")).json()
    assert [each["time"][11:16] for each in answer["items"]] == ["11:00"]
    assert answer["items"][0]["customer_id"] == CUSTOMER
    assert (answer["more"], answer["as_of"], answer["since"]) == (
        False, "2026-07-01T12:00:00Z", "2026-07-01T08:00:00Z",
    )  # fmt: skip


async def test_of_late_is_as_long_as_asked_for_and_a_doors_clock_may_be_ahead(reader: Reader) -> None:
    await reader.given(
        contact("07:59", "M1", location="hq"),
        contact("12:09", "M2", location="hq"),
        contact("12:30", "M3", location="hq"),
    )
    assert await arrivals(reader, "hq") == [("12:09", "hq")]
    assert await arrivals(reader, "hq", minutes=300) == [("12:09", "hq"), ("07:59", "hq")]


@pytest.mark.parametrize(
    "query", [{}, {"location": "/"}, {"location": "hq", "minutes": 0}, {"location": "x" * 257}]
)
async def test_what_is_no_place_or_no_time_is_refused(reader: Reader, query: dict[str, Any]) -> None:
    answer = await reader.get("/v1/arrivals", **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
