"""Posting with keys and tokens: who may send what, and what is said to others."""

from typing import Any

import pytest

from tests.credentials import NOON, Issuer, PublishedKeys, access, bearer, key
from tests.ingest_door import PARTY_IDS, open_door, purchase

STORE_1 = key(prefixes=("/store/1",), channel="store", phone_region="TH")
READER = key("reader", roles=("front_line",))


def from_source(source: str, **attributes: Any) -> dict[str, Any]:
    return purchase(source=source, **attributes)


async def test_a_key_sends_for_its_sources_and_one_event_of_another_refuses_all() -> None:
    async with open_door(access=access(STORE_1)) as door:
        sent = await door.post([from_source("/store/1"), from_source("/store/1/pos-3")], **STORE_1.header)
        assert (sent.status_code, sent.json()["accepted"]) == (202, 2)
        for source in ("/store/10", "/store/1/../10", "/rapport/escalator"):
            refused = await door.post([from_source("/store/1"), from_source(source)], **STORE_1.header)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_source")
        assert len(door.values()) == 2


async def test_a_key_gives_its_events_channel_and_phone_region_where_they_have_none() -> None:
    by_phone = {"customer": [{"type": "phone", "value": "081 234 5678"}]}
    async with open_door(access=access(STORE_1), phone_region="DE") as door:
        sent = await door.post(from_source("/store/1", channel=None, data=by_phone), **STORE_1.header)
        assert sent.status_code == 202, sent.text
        [value] = door.values()
    assert value["channel"] == "store"
    assert value["customer"][0]["party_id"] == PARTY_IDS.of("phone", "+66812345678")


@pytest.mark.parametrize("authorization", [None, "Bearer", "Basic eDp5", "Bearer rap_src_nobody"])
async def test_without_a_key_that_holds_nothing_is_read_or_accepted(authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    async with open_door(access=access(STORE_1)) as door:
        refused = await door.post(b"not even JSON", **headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert door.values() == []


async def test_a_readers_key_sends_nothing() -> None:
    async with open_door(access=access(READER)) as door:
        refused = await door.post(purchase(), **READER.header)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_source")


async def test_a_token_sends_for_the_sources_that_it_names() -> None:
    issuer = Issuer()
    tokens = PublishedKeys(issuer).tokens()
    async with open_door(access=access(tokens=tokens, clock=lambda: NOON)) as door:
        header = bearer(issuer.token({"rapport_sources": ["/web"]}))
        assert (await door.post(from_source("/web/shop"), **header)).status_code == 202
        assert (await door.post(from_source("/website"), **header)).status_code == 403
        assert (await door.post(from_source("/web"), **bearer(issuer.token()))).status_code == 403


async def test_every_answer_to_a_limited_key_tells_how_it_stands_and_one_too_many_is_429() -> None:
    limited = key(prefixes=("/store",), requests_per_minute=3)
    async with open_door(access=access(limited, clock=lambda: NOON)) as door:
        bodies: list[object] = [purchase(), b"{", purchase(source="/elsewhere"), purchase()]
        answers = [await door.post(body, **limited.header) for body in bodies]
    assert [answer.status_code for answer in answers] == [202, 400, 403, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"credential";q=3;w=60'}
    assert [answer.headers["ratelimit"] for answer in answers] == [
        '"credential";r=2;t=20', '"credential";r=1;t=40', '"credential";r=0;t=60', '"credential";r=0;t=60',
    ]  # fmt: skip
    assert (answers[-1].json()["code"], answers[-1].headers["retry-after"]) == ("rate_limited", "20")


async def test_descriptions_and_probes_need_no_key() -> None:
    async with open_door(access=access(STORE_1)) as door:
        for path in (
            "/healthz",
            "/readyz",
            "/metrics",
            "/v1/events/schemas",
            "/asyncapi.json",
            "/openapi.json",
        ):
            assert (await door.client.get(path)).status_code == 200


async def test_nobody_sends_as_rapport_even_where_no_key_was_made_yet() -> None:
    async with open_door() as door:
        refused = await door.post(from_source("/rapport/escalator"))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_source")
        assert (await door.post(from_source("/rapports"))).status_code == 202
