"""Operators on their screens: readable by everybody, and from what is parked to its redrive by keys alone."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from services.projections.engine.operator_jobs import work_off
from services.projections.read_models.timeline import TIMELINE
from tests.complaining import complaint_desk
from tests.declared import READ_MODELS
from tests.e2e.browser.conftest import Console
from tests.e2e.browser.test_screens import violations
from tests.failing_views import failing_on
from tests.listening import on_a_port
from tests.parked import project
from tests.projecting import decode, purchase

SCREENS = (
    "/console/ops/views", "/console/ops/views/timeline", "/console/ops/views/nothing", "/console/ops/parked",
    "/console/ops/parked?view=tasks", "/console/ops/order?kind=redrive&view=timeline", "/console/ops/jobs",
    "/console/ops/events", "/console/ops/events/0/0", "/console/ops/tail",
)  # fmt: skip


@pytest.fixture
async def room(database_url: str, chromium: Browser) -> AsyncIterator[Console]:
    """A console whose timeline failed on a purchase, behind which another waits; nobody has to sign in."""
    async with complaint_desk(database_url) as (reader, _):
        models = tuple(failing_on(each, {"purchase-1"}) if each is TIMELINE else each for each in READ_MODELS)
        connection = await asyncpg.connect(database_url)
        await project(connection, database_url, reader.log, [purchase(1), purchase(2)], models)
        await connection.close()
        async with on_a_port(reader) as url:
            yield Console(url, reader, chromium)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
async def test_screens_of_operators_are_for_everybody(room: Console, scheme: str, width: int) -> None:
    context: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    faults: dict[str, Any] = {}
    async with room.person(staff="kim", **context) as page:
        for path in SCREENS:
            await page.goto(path)
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            found = await violations(page) + ([f"{wide} pixels too wide"] if wide > 0 else [])
            if found:
                faults[path] = found
    assert not faults


async def test_from_what_is_parked_to_its_count_and_its_redrive_by_keys_alone(room: Console) -> None:
    async with room.person(staff="kim") as page:
        await page.goto("/console/ops/parked")
        await page.get_by_role("link", name="Count and redrive FoldFaultError of timeline").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("strong.figure")).to_have_text("2")
        assert await page.evaluate("document.activeElement.id") == "typed"
        await page.keyboard.type("1")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("you were to type 2")
        await page.locator("#typed").focus()
        await page.keyboard.press("Control+a")
        await page.keyboard.type("2")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/ops/jobs/*")
        connection = await asyncpg.connect(room.reader.database_url)
        await work_off(connection, READ_MODELS, decode)
        await connection.close()
        await page.reload()
        await expect(page.locator("main")).to_contain_text("2 applied, 0 failed")
        await expect(page.locator("main")).to_contain_text("by kim")
