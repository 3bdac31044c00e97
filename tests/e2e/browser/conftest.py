"""A console on a port, with guests to show, and people who look at it in a browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request

from tests.api_reader import Reader, reader
from tests.complaining import complaint_desk
from tests.console_guests import DESK, LOYALTY_DESK, OPERATOR, guests
from tests.credentials import Key, access
from tests.databases import with_database
from tests.listening import on_a_port
from tests.redeeming import Hand

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)


@dataclass
class Console:
    """A console to look at: where it is, and what stands behind it."""

    url: str
    reader: Reader
    chromium: Browser
    asked: list[Request] = field(default_factory=list)
    """Every request that any page made."""

    @asynccontextmanager
    async def person(
        self, who: Key | None = None, *, staff: str | None = None, broken: bool = False, **context: object
    ) -> AsyncIterator[Page]:
        """A page of somebody who signed in, in a browser of their own; what goes wrong in it fails the test, unless the
        connection is to be `broken`.
        """
        wrong: list[str] = []
        opened: BrowserContext = await self.chromium.new_context(base_url=self.url, **context)  # type: ignore[arg-type]
        opened.on("request", lambda request: self.asked.append(request))  # noqa: PLW0108 - Playwright marks what it is given
        opened.on("weberror", lambda error: wrong.append(str(error.error)))
        opened.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
        page = await opened.new_page()
        if who is not None or staff is not None:
            await page.goto("/console/sign-in")
            if who is not None:
                await page.fill("#credential", who.token)
            await page.fill("#staff", staff or "kim")
            await page.press("#staff", "Enter")
            await page.wait_for_url("**/console/")
        yield page
        await opened.close()
        assert broken or not [
            each for each in wrong if "the server responded with a status of 4" not in each
        ], wrong


@pytest.fixture(scope="package")
async def console(postgres_server: str, chromium: Browser) -> AsyncIterator[Console]:
    """One console for all that only look."""
    server = await asyncpg.connect(postgres_server)
    await server.execute("create database console_in_browser")
    url = with_database(postgres_server, "console_in_browser")
    async with complaint_desk(url) as (desk, _):
        await desk.given(*guests())
    letting_in = access(DESK, OPERATOR, LOYALTY_DESK)
    async with reader(url, access=letting_in, clock=Hand(NOW)) as made, on_a_port(made) as at:
        yield Console(at, made, chromium)
    await server.execute("drop database console_in_browser with (force)")
    await server.close()
