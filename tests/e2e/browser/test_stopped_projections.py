"""Projections that stand still, their process stopped: everybody is told, nothing is lost, and all catches up."""

import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple, cast

import asyncpg
import httpx
import pytest
from playwright.async_api import Browser, expect
from prometheus_client import CollectorRegistry

from deploy.kafka.broker import free_loopback_port
from services.api.main import api_service
from services.api.operations.lag_look import LagLook
from services.api.operations.sample import Sample
from services.projections.migrate import migrate
from shared.clock import system_clock
from shared.log.embedded import EmbeddedLog
from shared.metrics import Metrics
from shared.position import Position
from tests.api_reader import CUSTOMER, PEPPER, settings
from tests.complaining import opened
from tests.credentials import access
from tests.databases import with_database
from tests.e2e.browser.conftest import Console
from tests.e2e.running import PROJECT, command, environment
from tests.fakes.memory_key_store import MASTER_KEY
from tests.http_server import served
from tests.listening import Listener, listening
from tests.projecting import purchase
from tests.sealed import sent
from tests.strategies import JsonObject

SCREEN = f"/console/c/{CUSTOMER}"
PACE_SECONDS = 0.3
"""How often, here, the log is looked at and streams are told how things stand."""
PARTITIONS = 4


class Place(NamedTuple):
    """An API over an embedded log, and how to run its projections."""

    url: str
    log: EmbeddedLog
    database_url: str
    output: Path

    async def sent(self, *events: JsonObject) -> Position:
        return await sent(self.log, self.database_url, system_clock, *events)

    @contextmanager
    def projections(self) -> Iterator[None]:
        """A process of theirs, stopped afterwards as operations would."""
        given = {
            "RAPPORT_DATABASE_URL": self.database_url,
            "RAPPORT_LOG": "embedded",
            "RAPPORT_PARTITIONS": str(PARTITIONS),
            "RAPPORT_IDENTIFIER_PEPPER": PEPPER,
            "RAPPORT_MASTER_KEY": MASTER_KEY,
            "RAPPORT_PORT": str(free_loopback_port()),
        }
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                command("project"), cwd=PROJECT, env={**environment(), **given}, stdout=output, stderr=output,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            yield
            assert process.poll() is None, self.output.read_text()[-2000:]
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
async def place(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """Ada has bought something and complained, and projections, which took it up, have been stopped."""
    server = await asyncpg.connect(postgres_server)
    await server.execute("create database stopped_projections")
    url = with_database(postgres_server, "stopped_projections")
    await migrate(url, PARTITIONS)
    log = EmbeddedLog(url, Metrics(CollectorRegistry()))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("services.api.main.PAUSE_SECONDS", PACE_SECONDS)
        patched.setattr("services.api.routes.live.STANDING_SECONDS", PACE_SECONDS)
        patched.setattr("services.api.console.calls._LONGEST_WAIT_SECONDS", 1)
        async with (
            log.writer() as writer,
            api_service(
                settings(url), Metrics(CollectorRegistry()), writer=writer, log=log, access=access()
            ) as service,
            served(service, on_stop=service.on_stop) as at,
        ):
            made = Place(
                f"http://127.0.0.1:{at.port}", log, url, tmp_path_factory.mktemp("projections") / "output"
            )
            position = await made.sent(purchase(1), opened("09:00"))
            with made.projections():
                async with person(made) as browser:
                    await browser.read(SCREEN, position)
            yield made
    await server.execute("drop database stopped_projections with (force)")
    await server.close()


class Person:
    """Somebody who reads and acts over HTTP, signed in as Kim."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._own = {"origin": url, "sec-fetch-site": "same-origin"}

    async def sign_in(self) -> None:
        answer = await self._client.post("/console/sign-in", data={"staff": "kim"}, headers=self._own)
        self._own["cookie"] = answer.headers["set-cookie"].partition(";")[0]

    async def page(self, path: str) -> str:
        answer = await self._client.get(path, headers=self._own)
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    async def read(self, path: str, at_least: Position) -> str:
        """A page once the views have come so far."""
        timeline = f"/v1/customers/{CUSTOMER}/timeline"
        waiting = {"rapport-at-least": at_least.token(), "prefer": "wait=30"}
        assert (await self._client.get(timeline, headers=waiting)).status_code == 200
        return await self.page(path)

    async def press(self, path: str, **form: str) -> str:
        """Where a press leads."""
        found = re.search(r'name="once" value="([^"]+)"', await self.page(path))
        assert found
        answer = await self._client.post(path, data={**form, "once": found[1]}, headers=self._own)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def views(self) -> Any:
        return (await self._client.get("/v1/operations/views")).json()


@asynccontextmanager
async def person(place: Place) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(base_url=place.url, timeout=40) as client:
        made = Person(client, place.url)
        await made.sign_in()
        yield made


async def behind_by_more_than(listener: Listener, seconds: float) -> float:
    """How far views are behind once that is told to be more than before."""
    while (told := await listener.standing()) is None or told <= seconds:
        pass
    return told


async def test_everybody_is_told_that_projections_stand_still_and_sees_what_was_until_they_go_on(
    place: Place,
) -> None:
    async with person(place) as kim, listening(place.url, f"customer:{CUSTOMER}") as listener:
        position = await place.sent(purchase(2))
        first = await behind_by_more_than(listener, 0)
        assert await behind_by_more_than(listener, first) > first

        views = await kim.views()
        assert views["partitions_unheld"] == views["partitions_total"] == PARTITIONS
        timeline = next(each for each in views["views"] if each["name"] == "timeline")
        assert (timeline["lag_events"], timeline["lag_seconds"] > 0) == (1, True)
        page = await kim.page("/console/ops/views")
        assert (
            "No projection process works, so all views stand still. Start one with <code>rapport project"
            in page
        )

        page = await kim.page(SCREEN)
        assert ("order o-1" in page, "order o-2" in page, 'role="alert"' in page) == (True, False, False)

        pressed = await kim.press("/console/cases/C-1", action="note_added", note="rang back")
        page = await kim.page(pressed)
        assert "Sent: it is accepted and stands in the log" in page
        assert ("cold soup" in page or "Case C-1" in page, 'role="alert"' in page) == (True, False)

        with place.projections():
            assert "order o-2" in await kim.read(SCREEN, position)
            assert "Done: note added." in await kim.page(pressed)
            while await listener.standing() != 0:
                pass


async def test_the_bar_of_a_page_tells_how_far_behind_it_is_and_that_it_caught_up(
    place: Place, chromium: Browser
) -> None:
    console = Console(place.url, cast("Any", None), chromium)
    async with console.person(staff="kim") as page:
        await page.goto(SCREEN)
        bar = page.locator("[data-live-state]")
        await expect(bar).to_have_text("Live")
        await place.sent(purchase(3))
        await expect(bar).to_have_text(re.compile(r"^Live, [0-9.]+ s behind$"))
        with place.projections():
            await expect(page.get_by_role("button", name="1 new")).to_be_visible()
            await expect(bar).to_have_text("Live")


async def test_where_nobody_knows_how_far_behind_it_is_the_bar_does_not_say_that_it_is_not(
    place: Place, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_look: LagLook) -> Sample:
        return Sample(system_clock(), {}, "the log was told to be away", {})

    console = Console(place.url, cast("Any", None), chromium)
    async with console.person(staff="kim") as page:
        await page.goto(SCREEN)
        bar = page.locator("[data-live-state]")
        with monkeypatch.context() as patched:
            patched.setattr(LagLook, "take", away)
            await expect(bar).to_have_text("Live, not known how far behind")
        await expect(bar).to_have_text("Live")
