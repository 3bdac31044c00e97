"""Nothing personal is in services' logs, in addresses or on streams, whatever screen is opened and whatever fails."""

import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html import unescape
from io import StringIO
from typing import Final
from urllib.parse import unquote_plus

import asyncpg
import httpx
import pytest
import structlog

from shared.identifiers import customer_id_of
from shared.structured_logs import configure_logging
from tests.api_reader import Reader, reader
from tests.complaining import complaint_desk, created, opened
from tests.console_guests import event
from tests.console_screens import EVERYTHING, SCREENS, Screen, Subject
from tests.credentials import access
from tests.databases import with_database
from tests.fakes.tcp_proxy import tcp_proxy
from tests.integration.test_api_outages import by_tcp, target_of
from tests.listening import listening, on_a_port
from tests.redeeming import Hand
from tests.sealed import posted
from tests.strategies import PARTY_IDS, JsonObject

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)
NAME, PHONE, EMAIL, CARD = "Zenobia Quartzwick", "+4917655512399", "zenobia.q@private.example", "QX90817263"
BIRTHDAY, NOTE, DIET = "1987-11-23", "wants the blue lantern", "walnutfish"
PRIVATE: Final = (
    "zenobia", "quartzwick", "17655512399", "private.example", "qx90817263", "90817263", BIRTHDAY, "blue lantern", DIET,
)  # fmt: skip
"""In small letters; numbers are looked for without what people write between their digits."""
TYPED: Final = (
    NAME, PHONE, "0176 555 12399", "+49 (176) 555-12399", EMAIL, EMAIL.upper(), CARD, "qx-9081 7263", "7263", BIRTHDAY,
    NOTE, "+4917655512390", f"someone.{EMAIL}", f"{CARD}4", f"{NAME}\0", f"{EMAIL}{'x' * 300}",
)  # fmt: skip
"""What people search for: whoever is meant, in all ways to write it, and what finds nobody."""
HER: list[JsonObject] = [
    {"type": "member", "value": CARD},
    {"type": "phone", "value": PHONE},
    {"type": "email", "value": EMAIL},
]
SHE = Subject(customer_id_of(PARTY_IDS.of("member", CARD)))
PURPOSES = ("greeting", "ordering", "complaint_handling", "care")


def everything() -> list[JsonObject]:
    told = {"name": NAME, "birthday": BIRTHDAY, "dietary": DIET, "preferences": {"light": NOTE}}
    return [
        event("told", "customer.described", customer=HER, attributes=told),
        event("met", "interaction.recorded", customer=HER, kind="visit", category="sales", summary=NOTE, body=NOTE,
              location="hq/bangkok/bkk-01/door"),
        event("came", "interaction.recorded", "2026-07-01T09:30:00Z", customer=HER, kind="visit", category="sales",
              location="hq/bangkok/bkk-01/door", direction="inbound"),
        event("earned", "loyalty.points_earned", customer=HER, account_id=CARD, points=70, reason="stay"),
        opened("08:00", customer=HER, summary=NOTE, description=f"{NAME} said so"),
        created("2026-07-02T10:00", customer=HER, title=f"ring {NAME} at {PHONE}"),
    ]  # fmt: skip


def found_in(text: str) -> list[str]:
    """What is private in a text, however it is written there."""
    plain = unescape(unquote_plus(text)).lower()
    joined = re.sub(r"(?<=[0-9a-z])[ ()/.-]+(?=[0-9a-z])", "", plain)
    return [each for each in PRIVATE if each in plain or each in joined]


class Walk:
    """Somebody who goes through screens over HTTP. `left` is what each step left in the log and in addresses."""

    def __init__(self, log: StringIO) -> None:
        self.left: dict[str, str] = {}
        self.shown = ""
        self._log = log

    async def step(self, name: str, browser: "Browser", method: str, address: str, **sent: object) -> None:
        began = self._log.tell()
        addresses = await browser.go(method, address, **sent)
        self.shown += browser.shown
        self.left[name] = self.left.get(name, "") + self._log.getvalue()[began:] + "\n" + "\n".join(addresses)

    async def screens(self, browser: "Browser") -> None:
        for screen in sorted(SCREENS, key=lambda each: each.route == "/console/sign-out"):
            addresses = {screen.of(SHE), screen.unknown or screen.of(SHE)}
            for address in sorted(addresses):
                for purpose in PURPOSES if screen.method == "GET" else ("care",):
                    asked = f"{address}{'&' if '?' in address else '?'}purpose={purpose}"
                    form = None if screen.form is None else {**screen.form, "purpose": purpose}
                    await self.step(_name(screen), browser, screen.method, asked, data=form)

    async def searches(self, browser: "Browser", name: str) -> None:
        for typed in TYPED:
            await self.step(name, browser, "POST", "/console/search", data={"q": typed, "purpose": "care"})


class Browser:
    """Follows what it is led to, and notes every address that it asked for or was shown."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self.url = url
        self._own = {"origin": url, "sec-fetch-site": "same-origin"}
        self.shown = ""

    async def sign_in(self) -> None:
        form = {"credential": EVERYTHING.token, "staff": "kim"}
        answer = await self._client.post("/console/sign-in", data=form, headers=self._own)
        self._own["cookie"] = answer.headers["set-cookie"].partition(";")[0]

    async def go(self, method: str, address: str, **sent: object) -> list[str]:
        answer = await self._client.request(method, address, headers=self._own, **sent)  # type: ignore[arg-type]
        addresses = [str(answer.url)]
        for _ in range(3):
            if "location" not in answer.headers:
                break
            addresses.append(answer.headers["location"])
            answer = await self._client.get(answer.headers["location"], headers=self._own)
        self.shown = answer.text
        addresses += [f"{name}: {value}" for name, value in answer.headers.items()]
        return addresses + re.findall(r'(?:href|action|src|data-[a-z-]+)="([^"]*)"', answer.text)


@pytest.fixture(scope="module")
def log() -> Iterator[StringIO]:
    """What the services say, as they say it, at the level that says most."""
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    stream = StringIO()
    configure_logging("debug", stream)
    yield stream
    structlog.configure(**configured)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="module")
async def walk(postgres_server: str, log: StringIO) -> AsyncIterator[Walk]:
    """Every screen, search, action and failure, once."""
    server = await asyncpg.connect(postgres_server)
    await server.execute("create database console_privacy")
    url = with_database(postgres_server, "console_privacy")
    walked = Walk(log)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("services.api.console.calls._LONGEST_WAIT_SECONDS", 0)
        async with complaint_desk(url, access=access(EVERYTHING)) as (desk, hand):
            hand.now = NOW
            await posted(desk, hand, *everything())
            async with browsing(desk) as browser:
                await browser.sign_in()
                await all_is_well(walked, browser)
                walked.left["listened"] = await heard(browser, desk)
                await all_goes_wrong(walked, browser, desk, patched)
        await the_database_stops(walked, url)
    yield walked
    await server.execute("drop database console_privacy with (force)")
    await server.close()


@asynccontextmanager
async def browsing(made: Reader) -> AsyncIterator[Browser]:
    async with on_a_port(made) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield Browser(client, url)


async def all_is_well(walked: Walk, browser: Browser) -> None:
    await walked.screens(browser)
    await browser.sign_in()
    await walked.searches(browser, "searched")
    notes: Mapping[str, Mapping[str, str]] = {
        "/console/cases/C-1": {"action": "note_added", "note": f"{NAME}: {NOTE}"},
        "/console/cases/C-1?": {"action": "customer_awaited", "note": f"rang {PHONE}, {NOTE}"},
        "/console/tasks/T-1": {"action": "completed", "outcome": f"{NAME} {NOTE}"},
        "/console/tasks/T-1?": {"action": "no such", "outcome": f"{NAME} {NOTE}"},
        "/console/cases/C-1?refused": {"action": "compensated", "kind": "money", "worth": NOTE, "note": NAME},
        "/console/cases/C-1?unknown": {"action": NAME, "note": NOTE},
        "/console/sign-in": {"credential": PHONE, "staff": ""},
    }
    for number, (address, form) in enumerate(notes.items()):
        await walked.step(
            "did something with a note", browser, "POST", address, data={**form, "once": f"n-{number}"}
        )
    await walked.step("looked at the metrics", browser, "GET", "/metrics")
    walked.left["looked at the metrics"] += browser.shown


async def heard(browser: Browser, desk: Reader) -> str:
    """What a stream of all kinds of topics says while something happens."""
    customer = f"customer:{SHE.customer}"
    topics = f"{customer},location:hq/bangkok,complaints:all,view:timeline"
    async with listening(browser.url, topics, headers=EVERYTHING.header) as listener:
        await listener.changed(customer)
        more = event(
            "more", "interaction.recorded", customer=HER, kind="call", category="sales", summary=NOTE
        )
        await posted(desk, Hand(NOW), more)
        await listener.changed(customer)
        return listener.bytes.decode()


async def the_database_stops(walked: Walk, url: str) -> None:
    async with (
        tcp_proxy(target_of(url)) as proxy,
        reader(by_tcp(url, proxy.port), access=access(), clock=Hand(NOW)) as made,
        browsing(made) as browser,
    ):
        await browser.go("GET", "/console/")
        proxy.cut()
        for screen in SCREENS:
            form = None if screen.form is None else dict(screen.form)
            await walked.step("the database stopped", browser, screen.method, screen.of(SHE), data=form)
        await walked.searches(browser, "searched without the database")


async def all_goes_wrong(walked: Walk, browser: Browser, desk: Reader, patched: pytest.MonkeyPatch) -> None:
    note = {"action": "note_added", "note": NOTE, "once": "later"}
    desk.log.go_away()
    await walked.step("the log was away", browser, "POST", "/console/cases/C-1", data=note)
    desk.log.come_back()

    def unforeseen(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    for place in (
        "console.screens.search.guesses",
        "console.screens.cases.clock_bar",
        "routes.loyalty_account._wanted",
    ):
        patched.setattr(f"services.api.{place}", unforeseen)
    for screen in [each for each in SCREENS if each.route != "/console/sign-out"]:
        form = None if screen.form is None else {**screen.form, "q": CARD, "note": NOTE, "once": "wrong"}
        await walked.step("something failed unforeseen", browser, screen.method, screen.of(SHE), data=form)
    assert walked.left["something failed unforeseen"].count("a fault of ours") > 3


def _name(screen: Screen) -> str:
    return f"{screen.method} {screen.route}"


@pytest.mark.parametrize("screen", SCREENS, ids=_name)
def test_a_screen_leaves_nothing_personal_in_log_and_addresses(walk: Walk, screen: Screen) -> None:
    assert found_in(walk.left[_name(screen)]) == []


@pytest.mark.parametrize(
    "step",
    [
        "searched", "did something with a note", "listened", "looked at the metrics", "the log was away",
        "something failed unforeseen", "the database stopped", "searched without the database",
    ],
)  # fmt: skip
def test_what_is_done_or_fails_leaves_nothing_personal_there(walk: Walk, step: str) -> None:
    assert found_in(walk.left[step]) == []


def test_screens_did_show_what_is_looked_for_and_the_log_did_tell_of_them(walk: Walk, log: StringIO) -> None:
    assert found_in(walk.shown) == list(PRIVATE)
    assert walk.left.keys() >= {_name(screen) for screen in SCREENS}
    for told in ('"route":"/console/search"', '"event":"request_failed"', '"status":"503"', "event_applied"):
        assert told in log.getvalue()
    assert found_in(f"{NAME.upper()} +49 (176) 555-12399 zenobia.q%40private.example qx-9081-7263") != []


def test_nothing_personal_is_anywhere_in_the_log(walk: Walk, log: StringIO) -> None:
    assert walk.left
    assert found_in(log.getvalue()) == []
