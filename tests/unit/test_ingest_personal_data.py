"""What ingest does with personal data while its key store answers, and while it does not."""

import json

from shared.field_cipher import Sealing
from tests.fakes.memory_key_store import MemoryKeyStore
from tests.fakes.memory_log import MemoryLog
from tests.ingest_door import PARTY_IDS, contact, error_of, open_door, purchase

M17 = PARTY_IDS.of("member", "M17")


async def test_p1_personal_data_reaches_the_log_sealed_and_opens_with_the_subjects_key() -> None:
    store = MemoryKeyStore()
    async with open_door(key_store=store) as door:
        body = contact("c-1", body="card 4111 1111 1111 1111")
        body["data"]["customer"].append({"type": "phone", "value": "+49 30 901820"})
        answer = await door.post(body)
        assert answer.status_code == 202, answer.text
        [value] = door.values()
    written = json.dumps(value)
    assert "quiet" not in written
    assert "901820" not in written
    summary = store.keys[M17].open(value["data"]["summary"], Sealing(M17, "free_text", "c-1"))
    text = store.keys[M17].open(value["data"]["body"], Sealing(M17, "free_text", "c-1"))
    assert (summary, text) == ("asked for a quiet table", "card **** **** **** 1111")
    member, phone = value["customer"]
    assert member["value"] == "M17"
    key = store.keys[phone["party_id"]]
    assert key.open(phone["value"], Sealing(phone["party_id"], "contact", "c-1")) == "+4930901820"


async def test_a_request_asks_for_all_its_keys_at_once_and_a_known_subject_asks_no_more() -> None:
    store = MemoryKeyStore()
    async with open_door(key_store=store) as door:
        events = [contact(f"c-{n}", f"M-{n % 40}") for n in range(400)]
        assert (await door.post(events)).json()["accepted"] == 400
        assert store.asked == 1
        assert (await door.post(contact("c-400", "M-3"))).status_code == 202
        assert store.asked == 1
        written = [value["id"] for value in door.values() if value["customer"][0]["value"] == "M3"]
    assert written == [f"c-{n}" for n in range(3, 400, 40)] + ["c-400"]


async def test_without_its_key_store_ingest_takes_what_needs_no_new_key_and_says_which_to_send_again() -> (
    None
):
    store = MemoryKeyStore()
    async with open_door(key_store=store) as door:
        await door.post(contact("c-1"))
        store.away = True
        answer = await door.post(
            [contact("c-2"), contact("c-3", "M-18"), purchase("p-1"), purchase("p-2", data={})]
        )
        assert answer.status_code == 207
        told = answer.json()
        assert [each["status"] for each in told["results"]] == [
            "accepted",
            "rejected",
            "accepted",
            "accepted",
        ]
        error = error_of(answer, 1)
        assert (error["code"], error["retryable"]) == ("key_store_unavailable", True)
        assert "told to be away; send it again" in error["detail"]
        store.away = False
        assert (await door.post(contact("c-3", "M-18"))).status_code == 202


async def test_a_request_of_which_nothing_was_accepted_for_want_of_keys_is_to_be_sent_again() -> None:
    store = MemoryKeyStore()
    store.away = True
    async with open_door(key_store=store) as door:
        answer = await door.post([contact("c-1"), contact("c-2", "M-18")])
        assert (answer.status_code, answer.json()["code"]) == (503, "key_store_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert "quiet" not in answer.text
        assert (await door.post(purchase())).status_code == 202


async def test_events_without_personal_data_ask_the_key_store_nothing() -> None:
    store = MemoryKeyStore()
    store.away = True
    async with open_door(MemoryLog(), key_store=store) as door:
        described = purchase("d-1") | {
            "type": "customer.described",
            "data": {"customer": [{"type": "member", "value": "M1"}], "attributes": {"language": "th"}},
        }
        answer = await door.post([purchase(), described, contact("c-1", summary=None, outcome="called back")])
        assert answer.json()["accepted"] == 3, answer.text


async def test_nobody_posts_an_erasure_but_rapport_itself() -> None:
    request = {"customer": [{"type": "member", "value": "M-17"}], "request_id": "R-1"}
    wanted = purchase("erasure:R-1", type="customer.erasure_requested") | {"data": request}
    async with open_door() as door:
        refused = await door.post(wanted | {"source": "/rapport/erasure"})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_source")
        assert (await door.post(wanted)).status_code == 202
