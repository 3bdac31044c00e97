import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.content_modes import ACCEPTED_TYPES
from tests.ingest_door import open_door, purchase

CONTENT_TYPES = st.sampled_from([*ACCEPTED_TYPES, "application/json; charset=utf-8", "text/plain", ""])
ENCODINGS = st.sampled_from(["", "gzip", "zstd", "identity", "br"])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["ce-id", "ce-source", "ce-type", "ce-time", "ce-specversion", "ce-channel", "ce-x"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=300), content_type=CONTENT_TYPES, encoding=ENCODINGS, attributes=ATTRIBUTES)
async def test_no_bytes_ever_give_a_500(
    body: bytes, content_type: str, encoding: str, attributes: dict[str, str]
) -> None:
    headers = {"content-type": content_type, "content-encoding": encoding} | attributes
    async with open_door() as door:
        answer = await door.client.post("/v1/events", content=body, headers=headers)
    assert answer.status_code in (202, 207, 400, 413, 415, 422)


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(purchase())), value=JSON, in_data=st.booleans(), where=st.text(max_size=5))
async def test_no_value_anywhere_in_an_event_gives_a_500(
    name: str,
    value: Any,
    in_data: bool,  # noqa: FBT001 - drawn by hypothesis
    where: str,
) -> None:
    event = purchase(data={where or "order_id": value}) if in_data else purchase() | {name: value}
    body = json.dumps([event, purchase("good")]).encode()
    async with open_door() as door:
        answer = await door.post(body)
        stored = len(door.values())
    assert answer.status_code in (202, 207, 400)
    if answer.status_code != 400:
        assert answer.json()["accepted"] == stored >= 1
