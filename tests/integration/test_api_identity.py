"""Customers of several identifiers over HTTP: every answer is the whole customer's, under any id of theirs."""

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from typing import Any, Final

import asyncpg
import pytest

from services.api.routes import timeline as timeline_route
from services.projections.identity import component
from services.projections.identity.linked_parties import LinkedParties, Links
from services.projections.read_models import timeline
from shared.identifiers import customer_id_of
from tests.api_reader import Reader, migrated_reader
from tests.complaining import opened
from tests.identifying import linked, party, seen, unlinked
from tests.identity_oracle import Identifier

HINTS: Final[tuple[Links | None, ...]] = (None, "few", "plain", "tangled")
LOOKUP = "/v1/customers/lookup"
M1, M2 = ("member", "M1"), ("member", "M2")
MAIL, PHONE, COOKIE = ("email", "anna@example.org"), ("phone", "+49301234567"), ("cookie", "c-1")


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with migrated_reader(database_url) as made:
        yield made


def customer(identifier: Identifier) -> str:
    return customer_id_of(party(identifier))


async def looked_up(reader: Reader, identifier: Identifier) -> dict[str, Any]:
    answer = await reader.client.post(LOOKUP, json={"type": identifier[0], "value": identifier[1]})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found.pop("party_id") == party(identifier)
    return found


async def test_i3_every_identifier_finds_the_customer_and_every_id_leads_to_all_of_them(
    reader: Reader,
) -> None:
    position = await reader.given(seen(1, COOKIE), seen(2, M1), seen(3, M1, COOKIE), seen(4, M2))
    for identifier in (M1, COOKIE):
        assert await looked_up(reader, identifier) == {"customer_id": customer(COOKIE), "candidates": []}
    for any_id in (customer(M1), customer(COOKIE), party(M1), party(COOKIE)):
        answer = await reader.get(f"/v1/customers/{any_id}")
        assert answer.headers["rapport-position"] == position.token()
        body = answer.json()
        assert (body["customer_id"], body["parties"]) == (customer(COOKIE), [party(COOKIE), party(M1)])
        assert (body["events"], body["interactions"]) == (3, {"store": 3})
        page = await reader.get(f"/v1/customers/{any_id}/timeline")
        assert [item["event_id"] for item in page.json()["items"]] == ["e3", "e2", "e1"]
        assert page.headers["rapport-position"] == position.token()


async def test_i2_an_id_handed_out_before_a_merge_leads_to_the_merged_customer_and_apart_again(
    reader: Reader,
) -> None:
    await reader.given(seen(1, COOKIE), seen(2, M1))
    handed_out = (await looked_up(reader, M1))["customer_id"]
    assert handed_out == customer(M1)
    await reader.given(linked(3, M1, COOKIE, "L1"))
    assert await looked_up(reader, M1) == {"customer_id": customer(COOKIE), "candidates": []}
    timeline = f"/v1/customers/{handed_out}/timeline"
    assert await reader.ids(path=timeline) == ["e3", "e2", "e1"]
    await reader.given(unlinked(4, "L1"))
    assert await reader.ids(path=timeline) == ["e3", "e2"]
    assert (await looked_up(reader, M1))["customer_id"] == handed_out


async def test_pages_neither_repeat_nor_skip_while_parties_join_and_leave(reader: Reader) -> None:
    await reader.given(*(seen(number, M1 if number % 2 else COOKIE) for number in range(10)))
    await reader.given(linked(20, M1, COOKIE, "L1"))
    timeline = f"/v1/customers/{customer(M1)}/timeline"
    first = (await reader.get(timeline, limit=4)).json()
    assert [item["event_id"] for item in first["items"]] == ["e20", "e9", "e8", "e7"]
    await reader.given(seen(30, PHONE), linked(31, M1, PHONE, "L2"), seen(5, PHONE, id="late"))
    second = (await reader.get(timeline, limit=4, cursor=first["next_cursor"])).json()
    assert [item["event_id"] for item in second["items"]] == ["e6", "late", "e5", "e4"] or [
        item["event_id"] for item in second["items"]
    ] == ["e6", "e5", "late", "e4"]
    await reader.given(unlinked(40, "L1"))
    third = (await reader.get(timeline, limit=4, cursor=second["next_cursor"])).json()
    assert [item["event_id"] for item in third["items"]] == ["e3", "e1"]
    another = f"/v1/customers/{customer(COOKIE)}/timeline"
    refused = await reader.get(another, limit=4, cursor=first["next_cursor"])
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize("order", ["desc", "asc"])
async def test_pages_of_many_parties_are_those_of_one_that_had_all_their_events(
    reader: Reader, order: str
) -> None:
    cookies = [("cookie", f"c-{number}") for number in range(12)]
    many = [seen(number, cookies[(number * number) % 12 if number % 3 else 0]) for number in range(60)]
    links = [linked(100 + number, M1, each, f"L{number}") for number, each in enumerate(cookies)]
    await reader.given(*many, *links)
    expected = sorted((each["time"], each["id"]) for each in (*many, *links))
    ids = [event_id for _, event_id in (expected if order == "asc" else reversed(expected))]
    # Every link names its member, whose events these are too.
    for limit in (7, 50):
        found: list[str] = []
        cursor: dict[str, Any] = {}
        while True:
            answer = await reader.get(
                f"/v1/customers/{customer(M1)}/timeline", limit=limit, order=order, **cursor
            )
            found += [item["event_id"] for item in answer.json()["items"]]
            if answer.json()["next_cursor"] is None:
                break
            cursor = {"cursor": answer.json()["next_cursor"]}
        assert found == ids
    filtered = await reader.ids(
        path=f"/v1/customers/{customer(M1)}/timeline", order=order, type="identity.linked", limit=200
    )
    assert filtered == [each for each in ids if int(each[1:]) >= 100]


async def test_complaints_tasks_and_accounts_are_those_of_all_parties(reader: Reader) -> None:
    complaint = opened("09:00")
    complaint["data"]["customer"] = [{"type": "email", "value": MAIL[1]}]
    enrolled = seen(2, type="loyalty.enrolled")
    enrolled["data"] = {"account_id": "M1", "programme": "default"}
    position = await reader.given(complaint, enrolled, seen(3, M1, MAIL))
    for any_id in (customer(M1), customer(MAIL)):
        complaints = await reader.get(f"/v1/customers/{any_id}/complaints")
        assert len(complaints.json()["items"]) == 1
        accounts = await reader.get(f"/v1/customers/{any_id}/loyalty")
        assert [each["account_id"] for each in accounts.json()["items"]] == ["M1"]
        assert (
            complaints.headers["rapport-position"] == accounts.headers["rapport-position"] == position.token()
        )
        assert (await reader.get(f"/v1/customers/{any_id}/tasks")).json()["items"] == []


async def test_i4_looking_up_a_shared_identifier_answers_with_candidates(reader: Reader) -> None:
    await reader.given(seen(1, M1, PHONE), seen(2, M2, PHONE), seen(3, ("member", "M3"), COOKIE))
    found = await looked_up(reader, PHONE)
    assert found["customer_id"] is None
    assert sorted(found["candidates"]) == sorted([customer(M1), customer(M2)])
    assert (await looked_up(reader, M1))["customer_id"] == customer(M1)
    alone = (await reader.get(f"/v1/customers/{customer(PHONE)}")).json()
    assert (alone["parties"], alone["events"], alone["interactions"]) == ([party(PHONE)], 0, {})
    assert (alone["first_seen"], alone["last_seen"]) == (
        "2024-04-30T22:00:01.000000Z",
        "2024-04-30T22:00:02.000000Z",
    )
    assert await reader.ids(path=f"/v1/customers/{customer(PHONE)}/timeline") == []


async def test_i4_a_kiosks_candidates_are_twenty_of_its_members(reader: Reader) -> None:
    await reader.given(*(seen(number, ("member", f"K{number}"), ("device", "kiosk")) for number in range(30)))
    found = await looked_up(reader, ("device", "kiosk"))
    assert found["customer_id"] is None
    assert len(set(found["candidates"])) == 20


async def test_i4_shared_identifiers_are_listed_page_by_page_until_revocations_lift_it(
    reader: Reader,
) -> None:
    phones = [("phone", f"+4930123456{number}") for number in range(5)]
    events = [
        seen(10 * number + each, ("member", f"M{each}"), phone)
        for number, phone in enumerate(phones)
        for each in range(number + 1)
    ]
    position = await reader.given(*events, seen(90, M1, COOKIE))
    listed = await reader.get("/v1/identity/shared")
    assert listed.headers["rapport-position"] == position.token()
    body = listed.json()
    assert body["next_cursor"] is None
    assert {(each["party_id"], each["type"], each["others"]) for each in body["items"]} == {
        (party(phone), "phone", number + 1) for number, phone in enumerate(phones) if number
    }
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await reader.get("/v1/identity/shared", limit=1, **cursor)).json()
        found += [each["party_id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == sorted(each["party_id"] for each in body["items"])
    await reader.given(unlinked(95, "e11"))
    left = (await reader.get("/v1/identity/shared")).json()["items"]
    assert {each["party_id"] for each in left} == {party(phone) for phone in phones[2:]}


async def test_a_merge_is_seen_by_whoever_asks_with_the_position_of_its_link(reader: Reader) -> None:
    await reader.given(seen(1, COOKIE), seen(2, M1))
    for number in range(3, 9):
        link = linked(number, M1, COOKIE, f"L{number}") if number % 2 else unlinked(number, f"L{number - 1}")
        position = await reader.given(link)
        answers = await asyncio.gather(
            *(
                reader.get(
                    f"/v1/customers/{customer(M1)}{path}", headers={"rapport-at-least": position.token()}
                )
                for path in ("", "/timeline", "/timeline?points=true", "/timeline?channel=store")
            )
        )
        assert all(each.headers["rapport-position"] == position.token() for each in answers)
        assert (party(COOKIE) in answers[0].json()["parties"]) == bool(number % 2)
        for page in answers[1:]:
            assert ("e1" in [item["event_id"] for item in page.json()["items"]]) == bool(number % 2)


async def test_a_customer_of_too_many_parties_is_a_problem_that_says_so(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(component, "MOST_PARTIES", 3)
    position = await reader.given(seen(1, M1, COOKIE), seen(2, M1, ("cookie", "2"), ("cookie", "3")))
    for path in ("", "/timeline", "/complaints", "/tasks", "/loyalty"):
        answer = await reader.get(f"/v1/customers/{customer(M1)}{path}")
        assert (answer.status_code, answer.json()["code"]) == (422, "customer_too_large"), path
        assert answer.headers["rapport-position"] == position.token()
    answer = await reader.client.post(LOOKUP, json={"type": "member", "value": "M1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "customer_too_large")


async def test_a_customer_without_links_costs_the_timeline_one_statement(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.given(seen(1, M1))

    async def never(*_: object) -> None:
        raise AssertionError("looked for the parties of a customer that has one")

    monkeypatch.setattr(timeline_route, "found", never)
    assert await reader.ids(path=f"/v1/customers/{customer(M1)}/timeline") == ["e1"]


async def test_a_timeline_follows_links_that_come_and_go_though_nobody_asks_for_its_customer_first(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("asked for the customer first")

    monkeypatch.setattr(timeline_route, "found", never)
    path = f"/v1/customers/{customer(M1)}/timeline"
    await reader.given(seen(1, M1), seen(2, COOKIE), seen(3, M2, PHONE))
    assert await reader.ids(path=path) == ["e1"]
    await reader.given(seen(4, M1, COOKIE), seen(5, M1, PHONE))  # by now two members share the phone
    for order, expected in (("desc", ["e5", "e4", "e2", "e1"]), ("asc", ["e1", "e2", "e4", "e5"])):
        assert await reader.ids(path=path, order=order) == expected
    case = opened("09:00")
    await reader.given(case, unlinked(7, "e4"))
    assert sorted(await reader.ids(path=path)) == sorted(["e1", "e4", "e5", case["id"]])


async def test_whatever_is_remembered_of_a_customers_links_a_page_is_the_same(reader: Reader) -> None:
    turns = [(M1,), (COOKIE,), (PHONE,), (M1, COOKIE), (M1, PHONE)]
    await reader.given(*(seen(number, *turns[number % 5]) for number in range(1, 31)))
    connection = await asyncpg.connect(reader.database_url)
    parties = sorted(party(each) for each in (M1, COOKIE, PHONE))
    remembered: dict[int, Links] = {1: "plain", 7: "plain", 20: "few", 50: "few"}
    for limit, ascending in product(remembered, (False, True)):
        whole = await timeline.page(connection, parties, limit=limit, ascending=ascending)
        assert whole.next is None or limit < 30
        following = await timeline.page(
            connection, parties, after=whole.next, limit=limit, ascending=ascending
        )
        for links in HINTS:
            linked_parties = LinkedParties()
            if links is not None:
                linked_parties.add(party(M1), links)
            first = await timeline.page_at_once(
                connection, party(M1), linked_parties, limit=limit, ascending=ascending
            )
            assert first == whole
            expected = "tangled" if links == "tangled" else remembered[limit]
            assert linked_parties.get(party(M1)) == expected
            if whole.next is not None:
                second = await timeline.page_at_once(
                    connection, party(M1), linked_parties, after=whole.next, limit=limit, ascending=ascending
                )
                assert second == following
    await connection.close()
