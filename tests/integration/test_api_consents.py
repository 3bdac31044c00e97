"""A customer's consents over HTTP: the last word on each purpose and channel, in pages."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api_reader import CUSTOMER, M2, Reader, migrated_reader
from tests.projecting import purchase
from tests.strategies import JsonObject

PATH = f"/v1/customers/{CUSTOMER}/consents"


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


def consent(number: int, purpose: str, *, granted: bool, **data: Any) -> JsonObject:
    said = {
        "customer": [{"type": "member", "value": "M1"}],
        "purpose": purpose,
        "granted": granted,
        **data,
    }
    return purchase(number, id=f"consent-{number}", type="consent.changed", channel="web", data=said)


async def test_the_last_word_on_each_purpose_and_channel_is_told_with_its_proof(reader: Reader) -> None:
    position = await reader.given(
        consent(2, "marketing", granted=True, evidence="form 7"),
        consent(1, "marketing", granted=False),
        consent(3, "marketing", granted=False, channel="sms", evidence="call of May"),
        consent(4, "analytics", granted=False),
    )
    answer = await reader.get(PATH)
    assert answer.headers["rapport-position"] == position.token()
    assert answer.json() == {
        "items": [
            {
                "purpose": "analytics",
                "channel": None,
                "granted": False,
                "in_force": False,
                "evidence": None,
                "time": "2024-04-30T22:00:04Z",
                "event_id": "consent-4",
            },
            {
                "purpose": "marketing",
                "channel": None,
                "granted": True,
                "in_force": True,
                "evidence": "form 7",
                "time": "2024-04-30T22:00:02Z",
                "event_id": "consent-2",
            },
            {
                "purpose": "marketing",
                "channel": "sms",
                "granted": False,
                "in_force": False,
                "evidence": "call of May",
                "time": "2024-04-30T22:00:03Z",
                "event_id": "consent-3",
            },
        ],
        "next_cursor": None,
    }


async def test_a_later_word_on_all_channels_is_in_force_on_each(reader: Reader) -> None:
    await reader.given(
        consent(1, "marketing", granted=True, channel="email"), consent(2, "marketing", granted=False)
    )
    items = (await reader.get(PATH)).json()["items"]
    assert [(each["channel"], each["granted"], each["in_force"]) for each in items] == [
        (None, False, False),
        ("email", True, False),
    ]


async def test_pages_neither_repeat_nor_skip(reader: Reader) -> None:
    channels = ["app", "email", "phone", "sms", "web"]
    await reader.given(
        *(consent(number, "service", granted=True, channel=each) for number, each in enumerate(channels))
    )
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await reader.get(PATH, limit=2, **cursor)).json()
        found += [each["channel"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == channels
    of_another = await reader.get(f"/v1/customers/{M2}/consents", cursor=cursor["cursor"])
    assert (of_another.status_code, of_another.json()["code"]) == (422, "invalid_cursor")


async def test_a_customer_without_consents_has_none_and_nobody_is_unknown(reader: Reader) -> None:
    await reader.given(purchase(1))
    assert (await reader.get(PATH)).json() == {"items": [], "next_cursor": None}
    answer = await reader.get(f"/v1/customers/{M2}/consents")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")
