"""Customers of any history of links: the same as by the rules alone, whatever the order (rules I1 to I5)."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json

from services.projections.identity import component
from services.projections.identity.all_links import all_links
from services.projections.identity.component import Component, ComponentTooLargeError, component_of, found
from services.projections.identity.components import components_of
from services.projections.identity.pair_sql import reached_plainly
from shared.identifiers import customer_id_of
from tests.databases import empty_views
from tests.identifying import linked, party, project, seen, unlinked, views_of
from tests.identity_oracle import Identifier, Oracle
from tests.strategies import JsonObject

M1, M2, M3 = (("member", f"M{number}") for number in (1, 2, 3))
MAIL, PHONE, OTHER_PHONE = ("email", "anna@example.org"), ("phone", "+49301234567"), ("phone", "+49301234568")
KIOSK, COOKIE = ("device", "kiosk"), ("cookie", "c-1")
EVERYBODY = (
    *(M1, M2, M3, MAIL, PHONE, KIOSK, COOKIE),
    ("account", "A1"),
    ("email", "ben@example.org"),
    ("external", "x-1"),
    ("device", "tablet"),
)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=1)
    connection = await asyncpg.connect(database_url, server_settings={"jit": "off"})
    yield connection
    await connection.close()


async def customers(connection: asyncpg.Connection, *identifiers: Identifier) -> list[set[Identifier]]:
    """The customers of identifiers, each once, in the order of the first identifier of each."""
    names = {party(each): each for each in (*identifiers, *EVERYBODY, OTHER_PHONE)}
    answer: list[set[Identifier]] = []
    for each in identifiers:
        of_it = await component_of(connection, party(each))
        assert of_it is not None
        parties = {names[party_id] for party_id in of_it.parties}
        if parties not in answer:
            answer.append(parties)
    return answer


PLAINLY = f"""
{reached_plainly("$1::text", "$2::integer")}
select array_agg(party_id) as parties, bool_or(tangled) as tangled from customer
"""  # noqa: S608 - names in the code


@st.composite
def histories(draw: st.DrawFn) -> list[JsonObject]:
    """Events that name one or several of few identifiers, link and unlink; some happened at the same time."""
    events = []
    for number in range(draw(st.integers(1, 14))):
        at = draw(st.integers(0, 3))
        match draw(st.sampled_from(["seen", "seen", "seen", "earned", "linked", "unlinked"])):
            case "linked":
                pair = draw(st.lists(st.sampled_from(EVERYBODY), min_size=2, max_size=2, unique=True))
                event = linked(at, pair[0], pair[1], draw(st.sampled_from(["L1", "L2", "e1"])))
            case "unlinked":
                named = draw(st.lists(st.sampled_from(EVERYBODY), min_size=1, max_size=2))
                event = unlinked(at, draw(st.sampled_from(["L1", "L2", "e1", "e2", "e3", "e4"])), *named)
            case "earned":
                named = draw(st.lists(st.sampled_from(EVERYBODY), max_size=2, unique=True))
                event = seen(at, *named, type="loyalty.enrolled")
                data = {"account_id": "M1", "programme": "circle"}
                event["data"] = data | ({"customer": event["data"]["customer"]} if named else {})
            case _:
                named = draw(st.lists(st.sampled_from(EVERYBODY), min_size=1, max_size=4, unique=True))
                event = seen(at, *named)
        events.append({**event, "id": f"e{number}"})
    return events


@given(events=histories(), shuffled=st.data(), batch_events=st.integers(1, 9))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_order_of_any_history_gives_the_customers_of_the_rules(
    connection: asyncpg.Connection, events: list[JsonObject], shuffled: st.DataObject, batch_events: int
) -> None:
    oracle = Oracle(events)
    repeated = shuffled.draw(st.permutations([*events, *events[:3]]))
    async with views_of(connection, repeated, batch_events=batch_events):
        all_of_them: dict[str, Component] = {}
        for customer in oracle.customers():
            expected = tuple(sorted(map(party, customer), key=lambda each: (first_seen(oracle, each), each)))
            for identifier in customer:
                answer = await found(connection, party(identifier))
                assert answer.component == (customer_id_of(expected[0]), expected)
                all_of_them[party(identifier)] = answer.component
                assert answer.shared == oracle.shared(identifier)
                plainly = await connection.fetchrow(PLAINLY, party(identifier), 1000)
                assert plainly is not None
                assert plainly["tangled"] or sorted(plainly["parties"]) == sorted(expected)
        for stranger in set(EVERYBODY) - set(oracle.seen):
            assert await component_of(connection, party(stranger)) is None
        assert await components_of(connection, [party(each) for each in EVERYBODY * 2]) == all_of_them
        assert await customers_at_once(connection) == {
            frozenset(map(party, customer)) for customer in oracle.customers() if len(customer) > 1
        }


async def customers_at_once(connection: asyncpg.Connection) -> set[frozenset[str]]:
    """The customers of two parties and more, from all links that count, each of which may come but once."""
    pairs = [pair async for batch in all_links(connection) for pair in batch]
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    joined: dict[str, set[str]] = {}
    for one, other in pairs:
        whole = joined.get(one, {one}) | joined.get(other, {other})
        joined.update(dict.fromkeys(whole, whole))
    return {frozenset(whole) for whole in joined.values()}


def first_seen(oracle: Oracle, party_id: str) -> object:
    return next(time for identifier, time in oracle.seen.items() if party(identifier) == party_id)


async def test_i1_an_event_with_several_identifiers_links_them_until_its_id_is_revoked(
    connection: asyncpg.Connection,
) -> None:
    events = [seen(1, M1, PHONE, COOKIE)]
    async with views_of(connection, events):
        assert await customers(connection, M1, PHONE, COOKIE) == [{M1, PHONE, COOKIE}]
    async with views_of(connection, [unlinked(2, "e1", M1, PHONE), *events]):
        assert await customers(connection, M1, PHONE, COOKIE) == [{M1}, {PHONE}, {COOKIE}]


async def test_i1_the_account_of_a_loyalty_event_is_its_customers(connection: asyncpg.Connection) -> None:
    data = {"account_id": "M1", "programme": "circle"}
    unnamed = {**seen(1), "type": "loyalty.enrolled", "data": data}
    async with views_of(connection, [unnamed]):
        assert await customers(connection, M1) == [{M1}]
    named = {**unnamed, "data": {**data, "customer": [{"type": "email", "value": MAIL[1]}]}}
    async with views_of(connection, [named]):
        assert await customers(connection, M1) == [{M1, MAIL}]


async def test_i1_revoking_what_somebody_stated_leaves_nothing_of_it_though_the_event_named_both(
    connection: asyncpg.Connection,
) -> None:
    event = linked(1, M1, MAIL, "L1")
    event["data"]["customer"] = event["data"]["identifiers"]
    async with views_of(connection, [event]):
        assert await customers(connection, M1) == [{M1, MAIL}]
    async with views_of(connection, [event, unlinked(2, "L1")]):
        assert await customers(connection, M1, MAIL) == [{M1}, {MAIL}]


async def test_i2_what_a_link_joined_comes_apart_where_no_other_holds_it(
    connection: asyncpg.Connection,
) -> None:
    chain = [seen(1, M1, MAIL), seen(2, MAIL, COOKIE), seen(3, MAIL, COOKIE)]
    async with views_of(connection, [*chain, unlinked(4, "e2")]):
        assert await customers(connection, M1, COOKIE) == [{M1, MAIL, COOKIE}]
    async with views_of(connection, [*chain, unlinked(4, "e2"), unlinked(5, "e3")]):
        assert await customers(connection, M1, COOKIE) == [{M1, MAIL}, {COOKIE}]


async def test_i3_the_customer_is_named_after_the_party_first_seen_and_older_names_still_lead_there(
    connection: asyncpg.Connection,
) -> None:
    async with views_of(connection, [seen(5, M1)]):
        assert await component_of(connection, party(M1)) == (customer_id_of(party(M1)), (party(M1),))
        await project(connection, [seen(3, MAIL), seen(7, M1, MAIL)])
        merged = (customer_id_of(party(MAIL)), (party(MAIL), party(M1)))
        assert await component_of(connection, party(M1)) == merged
        assert await component_of(connection, party(MAIL)) == merged
        await project(connection, [unlinked(8, "e7")])
        assert await component_of(connection, party(M1)) == (customer_id_of(party(M1)), (party(M1),))


@pytest.mark.parametrize(
    ("identifier", "few", "more"),
    [(PHONE, [M1], M2), (MAIL, [("account", "A1")], M2), (KIOSK, [M1, MAIL, PHONE], ("external", "x-1"))],
)
async def test_i4_an_identifier_that_too_many_share_links_nobody_unless_somebody_says_so(
    connection: asyncpg.Connection, identifier: Identifier, few: list[Identifier], more: Identifier
) -> None:
    events = [seen(number, each, identifier) for number, each in enumerate(few)]
    async with views_of(connection, events):
        assert await customers(connection, identifier) == [{identifier, *few}]
        await project(connection, [seen(8, more, identifier)])
        assert (await found(connection, party(identifier))).shared
        assert await customers(connection, identifier, *few, more) == [
            {identifier},
            *({x} for x in (*few, more)),
        ]
        await project(connection, [linked(9, more, identifier, "L1")])
        assert await customers(connection, more) == [{more, identifier}]
        await project(connection, [unlinked(10, "e8"), unlinked(11, "L1")])
        assert await customers(connection, identifier) == [{identifier, *few}]


async def test_i4_who_meets_at_a_shared_identifier_is_not_joined_through_it(
    connection: asyncpg.Connection,
) -> None:
    family = [seen(1, M1, PHONE), seen(2, M2, PHONE), seen(3, M3, PHONE, COOKIE)]
    async with views_of(connection, family):
        assert await customers(connection, M1, M2, M3, COOKIE) == [{M1}, {M2}, {M3, COOKIE}]


async def test_i4_a_kiosk_that_meets_ten_thousand_members_slows_nobody(
    connection: asyncpg.Connection,
) -> None:
    events = [seen(n, ("member", f"K{n}"), KIOSK) for n in range(10_000)]
    async with views_of(connection, [*events, seen(1, ("member", "K7"), MAIL)]):
        assert await touched(connection, party(("member", "K7"))) < 300
        assert await touched(connection, party(KIOSK)) < 300
        assert await customers(connection, ("member", "K7"), KIOSK) == [{("member", "K7"), MAIL}, {KIOSK}]


async def test_i4_links_repeated_ten_thousand_times_are_as_quickly_followed_as_one(
    connection: asyncpg.Connection,
) -> None:
    events = [seen(n, M1, MAIL, KIOSK) for n in range(10_000)]
    async with views_of(connection, events):
        assert await touched(connection, party(M1)) < 600
        assert await customers(connection, M1) == [{M1, MAIL, KIOSK}]


async def touched(connection: asyncpg.Connection, party_id: str) -> int:
    """How many rows and how many pages all steps of finding a customer go through, whichever way it is found."""
    return max([await _touched(connection, each, party_id) for each in (component._COMPONENT, PLAINLY)])


async def _touched(connection: asyncpg.Connection, statement: str, party_id: str) -> int:
    plan = await connection.fetchval(
        f"explain (analyze, buffers, format json) {statement}", party_id, component.MOST_PARTIES + 1
    )
    top = json.decode(plan)[0]["Plan"]
    pages: int = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return max(_rows(top), pages)


def _rows(node: JsonObject) -> int:
    own = node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0)
    return int(own) + sum(_rows(each) for each in node.get("Plans", ()))


async def test_i5_more_parties_than_one_person_has_are_refused_by_name(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(component, "MOST_PARTIES", 5)
    events = [seen(number, M1, ("cookie", f"c-{number}")) for number in range(4)]
    async with views_of(connection, events):
        assert len((await component_of(connection, party(M1)) or ((), ()))[1]) == 5
        await project(connection, [seen(9, M1, ("cookie", "c-9"))])
        with pytest.raises(ComponentTooLargeError, match="more than 5 identifiers are linked"):
            await component_of(connection, party(M1))
