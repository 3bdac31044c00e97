"""Whatever is wrong, every screen of the console says so in a clear sentence, and leads on."""

import re
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from html import escape, unescape
from typing import NamedTuple
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from shared.credentials.followed_keys import FollowedKeys
from shared.identifiers import customer_id_of
from tests.api_reader import CUSTOMER, Reader, reader
from tests.complaining import complaint_desk, created, opened
from tests.console_guests import event, guests
from tests.console_screens import EVERYTHING, SCREENS, STREAM, Screen, Subject, routes
from tests.credentials import access, key, keys_in_force, take_keys
from tests.databases import with_database
from tests.identifying import linked
from tests.projecting import append, purchase
from tests.redeeming import Hand
from tests.sealed import erased, posted
from tests.strategies import PARTY_IDS, JsonObject

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)
OWN = {"origin": "http://api", "sec-fetch-site": "same-origin"}
ADA = Subject(CUSTOMER)
JOINED = [Subject(customer_id_of(PARTY_IDS.of("member", each)), "C-7", "T-7") for each in ("J1", "J2")]
ERNESTINE = PARTY_IDS.of("member", "E1")
ERASED = Subject(customer_id_of(ERNESTINE), "C-6", "T-6")
GONE = ("Ernestine Vanished", "she wept over the soup", "ring Ernestine")
READ = [each for each in SCREENS if not each.open and each.route != "/console/{rest:path}"]
"""Screens that read something for whoever signed in, or do something."""
OF_CUSTOMERS = [each for each in READ if "{customer}" in each.address or "{case}" in each.address]


def _name(screen: Screen) -> str:
    return f"{screen.method} {screen.route}"


class Console(NamedTuple):
    """A console to which somebody has signed in, and the keys that let in."""

    reader: Reader
    keys: FollowedKeys
    cookie: str

    async def open(self, screen: Screen, address: str) -> httpx.Response:
        """What one sees in the end: where an answer leads elsewhere, that is followed."""
        headers = {**OWN, "cookie": self.cookie}
        answer = await self.reader.client.request(
            screen.method, address, data=screen.form and dict(screen.form), headers=headers
        )
        for _ in range(4):
            if answer.status_code not in (303, 308):
                break
            answer = await self.reader.client.get(answer.headers["location"], headers=headers)
        return answer


@pytest.fixture(scope="module")
async def console(postgres_server: str) -> AsyncIterator[Console]:
    """It has Ada; two who turned out to be one; and one who was erased; each with a case and a task; and a job.

    No projection works on what comes afterwards.
    """
    server = await asyncpg.connect(postgres_server)
    await server.execute("create database console_screens_of_all")
    url = with_database(postgres_server, "console_screens_of_all")
    keys = keys_in_force(EVERYTHING)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("services.api.console.calls._LONGEST_WAIT_SECONDS", 0)
        async with complaint_desk(url, access=access(followed=keys)) as (desk, hand):
            hand.now = NOW
            await posted(desk, hand, *guests(), *joined(), *about_ernestine())
            await erased(desk, ERNESTINE, "R-1")
            connection = await asyncpg.connect(url)
            await connection.execute(
                "insert into control.operator_jobs (kind, view, ordered_by, state) "
                "values ('redrive', 'tasks', 'k', 'done')"
            )
            await connection.close()
            yield Console(desk, keys, await signed_in(desk))
    await server.execute("drop database console_screens_of_all with (force)")
    await server.close()


def joined() -> list[JsonObject]:
    one, other = ({"type": "member", "value": each} for each in ("J1", "J2"))
    return [
        purchase(9001, "J1"),
        purchase(9002, "J2"),
        event(
            "first-points",
            "loyalty.points_earned",
            customer=[one],
            account_id="J1",
            points=11,
            reason="first",
        ),
        event(
            "other-points",
            "loyalty.points_earned",
            customer=[other],
            account_id="J2",
            points=22,
            reason="other",
        ),
        opened("08:00", "C-7", "J1"),
        created("2026-07-02T10:00", "T-7", customer=[other]),
        linked(9003, ("member", "J1"), ("member", "J2"), "l-7"),
        event("came-joined", "interaction.recorded", kind="call", category="sales", customer=[one]),
    ]


def about_ernestine() -> list[JsonObject]:
    name, summary, title = GONE
    her = [{"type": "member", "value": "E1"}]
    return [
        event("told-e", "customer.described", customer=her, attributes={"name": name}),
        event("points-e", "loyalty.points_earned", customer=her, account_id="E1", points=5, reason="x"),
        opened("08:00", "C-6", customer=her, summary=summary),
        created("2026-07-02T10:00", "T-6", customer=her, title=title),
    ]


async def signed_in(made: Reader) -> str:
    form = {"credential": EVERYTHING.token, "staff": "kim"}
    answer = await made.client.post("/console/sign-in", data=form, headers=OWN)
    return answer.headers["set-cookie"].partition(";")[0]


def told(page: httpx.Response) -> list[str]:
    """The sentences of a page that say why something is not there."""
    found = re.findall(r'<p class="state[^"]*"[^>]*>(.*?)</p>', page.text, re.DOTALL)
    found += re.findall(r'role="alert">\s*<h1>.*?</h1>\s*<p>(.*?)</p>', page.text, re.DOTALL)
    return [" ".join(unescape(re.sub("<[^>]+>", "", each)).split()) for each in found]


def leads_on(page: httpx.Response) -> bool:
    return 'href="/console/"' in page.text


def screens(which: Iterable[Screen]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("screen", which, ids=_name)


def test_no_screen_of_the_console_is_left_out_here() -> None:
    listed = {(each.method, each.route) for each in SCREENS} | {STREAM}
    assert listed == routes()
    assert not [each for each in SCREENS if "{" in each.route and each.unknown is None]


@screens(READ)
async def test_a_screen_shows_something_where_nothing_is_wrong(console: Console, screen: Screen) -> None:
    page = await console.open(screen, screen.of(ADA))
    refused = (
        screen.route == "/console/ops/order" and screen.method == "POST"
    )  # there is nothing to roll back to
    assert page.status_code == (409 if refused else 200), page.text
    assert leads_on(page) or page.headers["content-disposition"]


@screens([each for each in SCREENS if each.unknown])
async def test_an_unknown_id_is_said_to_be_in_one_sentence(console: Console, screen: Screen) -> None:
    assert screen.unknown is not None
    before = len(console.reader.log.records())
    page = await console.open(screen, screen.unknown)
    if (
        screen.route == "/console/tasks/{id:path}"
    ):  # the list of tasks is what one sees, as for one that is done
        assert (page.status_code, "<h1>Tasks</h1>" in page.text) == (200, True)
        return
    assert page.status_code == (404 if "{" in screen.route or "order" in screen.route else 200)
    [sentence] = told(page)
    assert re.fullmatch(r"[A-Z].*\.( Show all\.?| Begin again\. Trace [0-9a-f]+)?", sentence), sentence
    assert leads_on(page)
    assert len(console.reader.log.records()) == before


@pytest.mark.parametrize("subject", JOINED, ids=["one id", "the other id"])
@screens(OF_CUSTOMERS)
async def test_the_old_id_of_a_joined_customer_shows_both(
    console: Console, screen: Screen, subject: Subject
) -> None:
    page = await console.open(screen, screen.of(subject))
    assert page.status_code == 200
    shown = {
        "/console/c/{id}": ["order o-9001", "order o-9002", "T-7", "C-7"],
        "/console/c/{id}/loyalty": [">J1 <", ">J2 <"],
        "/console/c/{id}/timeline.json": ["o-9001", "o-9002"],
        "/console/c/{id}/statement/{number:int}": ['"account_id": "J1"'],
    }.get(screen.route, ["C-7"])
    assert [each for each in shown if each not in page.text] == []


@screens([each for each in READ if each.method == "GET"])
async def test_an_erased_customer_is_on_no_screen_and_their_own_says_why(
    console: Console, screen: Screen
) -> None:
    for purpose in ("greeting", "complaint_handling", "care"):
        address = screen.of(ERASED)
        page = await console.open(screen, f"{address}{'&' if '?' in address else '?'}purpose={purpose}")
        assert page.status_code == 200
        assert [each for each in GONE if each in page.text] == []
        assert 'role="alert"' not in page.text
        if screen.route == "/console/c/{id}":
            assert "Asked for erasure of their personal data (request R-1)" in page.text


@screens(SCREENS)
async def test_a_revoked_session_leads_to_the_sign_in_and_back(console: Console, screen: Screen) -> None:
    keys = keys_in_force(EVERYTHING)
    async with reader(console.reader.database_url, access=access(followed=keys), clock=Hand(NOW)) as made:
        cookie = await signed_in(made)
        take_keys(keys, key("reader", roles=("operator",)), revoked=1)
        address = screen.of(ADA)
        answer = await made.client.request(
            screen.method, address, data=screen.form and dict(screen.form), headers={**OWN, "cookie": cookie}
        )
        if screen.open:
            assert answer.status_code in (200, 303, 308, 401)
            return
        onward = address if screen.method == "GET" else "/console/"
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/console/sign-in?next={quote(onward)}"
        form = await made.client.get(answer.headers["location"], headers={"cookie": cookie})
        assert f'name="next" value="{escape(onward)}"' in form.text
        assert made.log.records() == []


@screens(SCREENS)
async def test_without_the_database_a_screen_says_so_and_offers_another_try(
    away: Console, screen: Screen
) -> None:
    page = await away.open(screen, screen.of(ADA))
    if screen.open and screen.route not in ("/console", "/console/sign-out", "/console/search"):
        assert page.status_code in (200, 401)
        return
    assert page.status_code == 503
    assert "<h1>The database does not answer</h1>" in page.text
    assert told(page) == ["PostgreSQL cannot be read now (ConnectionRefusedError); try again."]
    again = (
        "Go back and send it again, or go" if screen.method == "POST" else '<a href="">Try again</a>, or go'
    )
    assert again in page.text
    assert leads_on(page)


@screens([each for each in READ if each.route != "/console/ops/events"])
async def test_a_part_that_lost_its_database_says_so_alone(away_and_open: Console, screen: Screen) -> None:
    page = await away_and_open.open(screen, screen.of(ADA))
    assert page.status_code in (200, 403, 503)
    for sentence in told(page):
        assert re.fullmatch(
            r"(.* (could not be read|looked up|may have been ordered): )?PostgreSQL cannot be read now .*\."
            r"( Try again\.)?( Trace [0-9a-f]+\.?)?|Sign in with your staff id.*\.",
            sentence,
        ), sentence
    assert told(page)
    assert leads_on(page)


@screens([each for each in READ if each.method == "GET"])
async def test_while_projections_stand_still_a_screen_shows_what_was(
    standing: Console, screen: Screen
) -> None:
    page = await standing.open(screen, screen.of(ADA))
    assert page.status_code == 200
    assert 'role="alert"' not in page.text
    assert "o-31337" not in page.text


@pytest.mark.parametrize("path", ["/console/cases/C-1", "/console/tasks"])
async def test_what_is_done_while_projections_stand_still_is_said_to_be_accepted_and_shown_later(
    standing: Console, path: str
) -> None:
    [screen] = [each for each in SCREENS if each.method == "POST" and each.route.startswith(path[:14])]
    page = await standing.open(screen, screen.of(ADA))
    assert page.status_code == 200
    assert re.search(r'role="status">Sent: it is accepted and stands in the log', page.text)
    assert 'role="alert"' not in page.text
    assert "C-1" in page.text or "T-1" in page.text


@pytest.fixture(scope="module")
async def away() -> AsyncIterator[Console]:
    """A console whose database is away, to somebody who has signed in."""
    keys = keys_in_force(EVERYTHING)
    async with reader("postgresql://127.0.0.1:1/nothing", access=access(followed=keys)) as made:
        yield Console(made, keys, "__Host-rapport=any")


@pytest.fixture(scope="module")
async def away_and_open() -> AsyncIterator[Console]:
    """Likewise on a machine without keys, so that screens are drawn and their calls fail."""
    async with reader("postgresql://127.0.0.1:1/nothing", access=access()) as made:
        yield Console(made, keys_in_force(), "")


@pytest.fixture(scope="module")
async def standing(console: Console) -> Console:
    """The console, with an event that no projection takes up."""
    await append(console.reader.log, [purchase(31337)])
    return console
