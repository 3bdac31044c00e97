"""The console over a real database: who is let in, what pages show, and what they say when something fails."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html import unescape

import asyncpg
import httpx
import pytest

from shared.credentials.followed_keys import FollowedKeys
from tests.api_reader import CUSTOMER, Reader, reader
from tests.complaining import complaint_desk
from tests.console_guests import DESK, LOYALTY_DESK, OPERATOR, guests
from tests.credentials import Key, access, key, keys_in_force, take_keys
from tests.databases import with_database
from tests.redeeming import Hand

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)
OWN = {"origin": "http://api", "sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
async def database(postgres_server: str) -> AsyncIterator[str]:
    """Ada, and a phone that she shares with another."""
    server = await asyncpg.connect(postgres_server)
    await server.execute("create database console_screens")
    url = with_database(postgres_server, "console_screens")
    async with complaint_desk(url) as (desk, _):
        await desk.given(*guests())
    yield url
    await server.execute("drop database console_screens with (force)")
    await server.close()


@pytest.fixture
def keys() -> FollowedKeys:
    return keys_in_force(DESK, OPERATOR, LOYALTY_DESK)


@pytest.fixture
async def console(database: str, keys: FollowedKeys) -> AsyncIterator[Reader]:
    async with reader(database, access=access(followed=keys), clock=Hand(NOW)) as made:
        yield made


async def sign_in(console: Reader, who: Key, **form: str) -> httpx.Response:
    """What signing in answers; the cookie is kept by hand, as the client keeps none that is Secure over HTTP."""
    sent = {"credential": who.token, **form}
    answer = await console.client.post("/console/sign-in", data=sent, headers=OWN)
    cookie = answer.headers.get("set-cookie", "").partition(";")[0]
    console.client.headers["cookie"] = cookie
    return answer


async def shown(console: Reader, path: str) -> str:
    answer = await console.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def find(console: Reader, typed: str) -> httpx.Response:
    return await console.client.post("/console/search", data={"q": typed, "purpose": "greeting"}, headers=OWN)


async def test_nobody_sees_a_screen_before_signing_in_and_comes_back_to_it_then(console: Reader) -> None:
    asked = await console.client.get("/console/tasks", params={"assignee": "kim"})
    assert (asked.status_code, asked.headers["location"]) == (
        303, "/console/sign-in?next=/console/tasks%3Fassignee%3Dkim",
    )  # fmt: skip
    form = (await console.client.get(asked.headers["location"])).text
    assert 'name="next" value="/console/tasks?assignee=kim"' in form
    answer = await sign_in(console, DESK, next="/console/tasks?assignee=kim", staff="kim")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/tasks?assignee=kim")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-rapport=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert DESK.token not in cookie


async def test_who_came_through_an_open_door_has_to_sign_in_once_there_is_a_key(database: str) -> None:
    followed = keys_in_force()
    async with reader(database, access=access(followed=followed), clock=Hand(NOW)) as console:
        assert (await console.client.get("/console/")).status_code == 200
        answer = await console.client.post("/console/sign-in", data={"staff": "lee"}, headers=OWN)
        console.client.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        assert ">lee</span>" in await shown(console, "/console/")
        take_keys(followed, OPERATOR)
        assert (await console.client.get("/console/")).status_code == 303


async def test_the_tasks_of_ones_department_are_one_press_away(console: Reader) -> None:
    await sign_in(console, DESK, staff="kim", department=" kitchen & bar ")
    page = await shown(console, "/console/tasks")
    link = re.search(r'<a href="([^"]+)" >My department', page)
    assert link
    assert unescape(link[1]) == "/console/tasks?assignee=kitchen+%26+bar"
    page = await shown(console, unescape(link[1]))
    assert re.search(r'aria-current="true">My department', page)
    assert 'data-live="tasks:kitchen &amp; bar"' in page
    await sign_in(console, DESK, staff="kim")
    assert "My department" not in await shown(console, "/console/tasks")
    refused = await sign_in(console, DESK, department="x" * 129)
    assert (refused.status_code, "department has at most 128 characters" in refused.text) == (422, True)


async def test_a_key_that_does_not_hold_is_told_so_on_the_form(console: Reader) -> None:
    answer = await sign_in(console, key("reader", roles=("front_line",)))
    assert answer.status_code == 401
    assert "Not signed in: this key is unknown or revoked" in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_revoked_keys_session_ends_at_once_and_a_signed_out_one_with_the_click(
    console: Reader, keys: FollowedKeys
) -> None:
    await sign_in(console, DESK)
    await shown(console, "/console/")
    take_keys(keys, OPERATOR, revoked=1)
    assert (await console.client.get("/console/")).status_code == 303
    await sign_in(console, OPERATOR)
    await shown(console, "/console/")
    out = await console.client.post("/console/sign-out", headers=OWN)
    assert (out.status_code, out.headers["location"]) == (303, "/console/sign-in")
    assert (await console.client.get("/console/")).status_code == 303


async def test_a_session_ends_after_twelve_hours(database: str) -> None:
    hand = Hand(NOW)
    async with reader(database, access=access(DESK), clock=hand) as console:
        await sign_in(console, DESK)
        hand.move(hours=11.9)
        await shown(console, "/console/")
        hand.move(hours=0.2)
        assert (await console.client.get("/console/")).status_code == 303


@pytest.mark.parametrize("path", ["/console/search", "/console/sign-in", "/console/sign-out"])
async def test_another_sites_form_does_nothing(console: Reader, path: str) -> None:
    await sign_in(console, DESK)
    for told in ({}, {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}):
        answer = await console.client.post(path, data={"q": "M1", "credential": DESK.token}, headers=told)
        assert answer.status_code == 403
        assert "not sent by a page of this console" in answer.text
        assert "set-cookie" not in answer.headers
    await shown(console, "/console/")


@pytest.mark.parametrize(
    "typed", ["M1", "m-1", "0171 123 45 67", "+49 171-1234567", "ADA@Example.ORG", CUSTOMER]
)
async def test_a_customer_is_found_by_whatever_they_say_and_it_stands_in_no_address(
    console: Reader, typed: str
) -> None:
    await sign_in(console, DESK)
    answer = await find(console, typed)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/console/c/{CUSTOMER}?purpose=greeting",
    )


async def test_a_shared_phone_lists_who_may_be_calling(console: Reader) -> None:
    await sign_in(console, DESK)
    page = (await find(console, "+49 30 111")).text
    assert "2 customers may be meant" in page
    assert f"/console/c/{CUSTOMER}?purpose=greeting" in page


async def test_the_end_of_a_card_names_whose_it_may_be(console: Reader) -> None:
    await sign_in(console, DESK)
    page = (await find(console, "7712 34")).text
    assert "2 customers may be meant" in page
    assert (await find(console, "AX77-1234")).status_code == 303


async def test_somebody_unknown_is_said_to_be(console: Reader) -> None:
    await sign_in(console, DESK)
    assert "Nobody is known by this" in (await find(console, "M404")).text


async def test_hostile_texts_are_texts_on_every_screen(console: Reader) -> None:
    await sign_in(console, DESK, staff="<script>alert(3)</script>")
    seen = ""
    for path in (
        f"/console/c/{CUSTOMER}?purpose=complaint_handling",
        f"/console/c/{CUSTOMER}/loyalty",
        "/console/cases/C-1?purpose=complaint_handling",
        "/console/tasks?assignee=&purpose=complaint_handling",
        "/console/?purpose=complaint_handling",
        "/console/tasks?assignee=%3Cscript%3E",
    ):
        page = await shown(console, path)
        assert "<script>" not in page
        assert "<img src=x" not in page
        seen += page
    assert seen.count("&lt;script&gt;alert(1)") >= 8


async def test_what_a_purpose_does_not_open_is_not_on_the_page_and_is_said_to_be_withheld(
    console: Reader,
) -> None:
    await sign_in(console, DESK)
    page = await shown(console, f"/console/c/{CUSTOMER}?purpose=greeting")
    assert "secret-nuts" not in page
    assert re.search(
        r"<strong>Health</strong> withheld,\s+needs purpose care, which your roles do not have", page
    )
    assert re.search(
        r'<strong>Contact</strong> withheld,\s+needs purpose <a href="\?purpose=ordering">', page
    )


async def test_a_part_that_a_role_does_not_have_is_closed_and_the_rest_is_shown(console: Reader) -> None:
    await sign_in(console, LOYALTY_DESK)
    page = await shown(console, f"/console/c/{CUSTOMER}")
    assert "Your roles do not include complaints." in page
    assert "Your roles do not include tasks." in page
    assert 'href="/console/cases"' not in page
    assert "Earned 70 points" in page
    for path in (
        "/console/",
        "/console/cases",
        "/console/tasks",
    ):  # a topic of theirs would end all tabs' stream
        assert "data-live=" not in await shown(console, path)


async def test_lists_hear_of_what_is_in_them_and_are_read_again_as_they_were_asked_for(
    console: Reader,
) -> None:
    await sign_in(console, DESK, staff="kim")
    page = await shown(console, "/console/tasks?overdue=true&assignee=kitchen&purpose=ordering&at=0")
    found = re.search(r'data-live="tasks:kitchen" data-from="([^"]+)" data-minutely', page)
    assert found
    once = re.search(r"once=([^&]+)$", found[1])
    assert once
    assert unescape(found[1]).startswith(
        "/console/tasks?assignee=kitchen&purpose=ordering&overdue=true&once="
    )
    assert 'data-live="tasks:kim"' in await shown(console, "/console/tasks")
    assert 'data-live="tasks:all"' in await shown(console, "/console/tasks?assignee=")
    first = await shown(console, "/console/")
    assert 'data-live="tasks:kim"' in first
    assert 'data-live="complaints:all"' in first
    too_long = "x" * 200
    for path in (f"/console/tasks?assignee={too_long}", f"/console/cases?assignee={too_long}"):
        assert "data-live=" not in await shown(console, path)


async def test_the_reads_of_a_screen_are_on_record_as_the_persons_own(console: Reader, database: str) -> None:
    await sign_in(console, DESK)
    await shown(console, f"/console/c/{CUSTOMER}?purpose=ordering")
    connection = await asyncpg.connect(database)
    rows = await connection.fetch(
        "select distinct reader, purpose, call from control.access_records where purpose = 'ordering'"
    )
    await connection.close()
    assert {tuple(each) for each in rows} == {
        (f"key:{DESK.stored.key_id}", "ordering", "/v1/customers/{id}/card"),
        (f"key:{DESK.stored.key_id}", "ordering", "/v1/customers/{id}/timeline"),
    }


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/console/c/cus_aaaaaaaaaaaaaaaaaaaaaaaaaa", "No such customer"),
        ("/console/c/nobody/loyalty", "No such customer"),
        ("/console/cases/C-404", "No such case"),
        ("/console/nowhere", "No such page"),
        ("/console/assets/none.js", "No such page"),
    ],
)
async def test_what_there_is_not_is_one_clear_page_with_a_way_on(
    console: Reader, path: str, said: str
) -> None:
    await sign_in(console, DESK)
    answer = await console.client.get(path)
    assert answer.status_code == 404
    assert f"<h1>{said}</h1>" in answer.text
    assert 'href="/console/"' in answer.text


async def test_every_answer_has_the_policy_and_no_page_is_kept(console: Reader) -> None:
    await sign_in(console, DESK)
    for path in ("/console/", f"/console/c/{CUSTOMER}", "/console/nowhere", "/console/sign-in", "/console"):
        answer = await console.client.get(path)
        assert "require-trusted-types-for" in answer.headers["content-security-policy"], path
        if answer.status_code != 308:
            assert answer.headers["cache-control"] == "private, no-store", path


async def test_without_its_database_the_console_says_so_and_offers_another_try() -> None:
    async with reader("postgresql://127.0.0.1:1/nothing", access=access(DESK)) as console:
        console.client.headers["cookie"] = "__Host-rapport=any"
        answer = await console.client.get("/console/")
        assert answer.status_code == 503
        assert "<h1>The database does not answer</h1>" in answer.text
        assert "Try again" in answer.text
        assert "Not signed in: " in (await sign_in(console, DESK)).text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/console/c/{CUSTOMER}/timeline.json?purpose=complaint_handling", "timeline"),
        (f"/console/c/{CUSTOMER}/statement/1?purpose=complaint_handling", "statement"),
        ("/console/case.json/C-1?purpose=complaint_handling", "case"),
    ],
)
async def test_what_is_taken_along_says_who_took_it_for_what_and_of_when(
    console: Reader, path: str, name: str
) -> None:
    await sign_in(console, DESK, staff="kim")
    answer = await console.client.get(path)
    document = answer.json()
    taken = document["taken"]
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.json"'
    assert (taken["by"], taken["staff"]) == (f"key:{DESK.stored.key_id}", "kim")
    assert taken["purpose"] == (None if name == "statement" else "complaint_handling")
    assert taken["position"] != "0"
    assert taken["as_of"] == "2026-07-01T10:00:00+00:00"
    assert "secret-nuts" not in answer.text
    assert document[name].get("items") or document[name]["complaint_id"] == "C-1"


async def test_a_printed_page_says_so_too(console: Reader) -> None:
    await sign_in(console, DESK, staff="kim")
    page = await shown(console, f"/console/c/{CUSTOMER}?purpose=ordering")
    assert re.search(
        r"Printed by kim for ordering, 1 Jul 2026, 12:00 Europe/Berlin, as of position [0-9:,]+\.", page
    )


async def test_an_export_of_what_one_may_not_read_is_refused(console: Reader) -> None:
    await sign_in(console, LOYALTY_DESK)
    answer = await console.client.get("/console/case.json/C-1")
    assert answer.status_code == 403
    assert "content-disposition" not in answer.headers
