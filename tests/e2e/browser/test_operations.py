"""Operators on their screens: readable by everybody, and from what is parked to its redrive by keys alone."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from services.projections.engine.operator_jobs import work_off
from services.projections.engine.rebuild import rebuild
from services.projections.read_models.timeline import TIMELINE
from tests.complaining import complaint_desk
from tests.declared import READ_MODELS
from tests.e2e.browser.conftest import Console
from tests.e2e.browser.test_screens import violations
from tests.failing_views import failing_on
from tests.listening import on_a_port
from tests.parked import project
from tests.projecting import decode, purchase
from tests.rebuilding import ordering, rebuilding

SCREENS = (
    "/console/ops/views", "/console/ops/views/timeline", "/console/ops/views/nothing", "/console/ops/parked",
    "/console/ops/parked?view=tasks", "/console/ops/order?kind=redrive&view=timeline",
    "/console/ops/order?kind=verify&view=timeline", "/console/ops/jobs",
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
        url = room.reader.database_url
        connection = await asyncpg.connect(url)
        await work_off(connection, READ_MODELS, decode, ordering(url, room.reader.log))
        await connection.close()
        await page.reload()
        await expect(page.locator("main")).to_contain_text("2 applied, 0 failed")
        await expect(page.locator("main")).to_contain_text("by kim")


async def test_a_rebuild_goes_on_before_ones_eyes_by_partition_in_steps_though_no_event_comes(
    room: Console,
) -> None:
    await room.reader.given(*(purchase(100 + number) for number in range(60)))
    slow = rebuilding(
        room.reader.database_url, room.reader.log, read_models=(TIMELINE,), events_per_second=8, switch=False
    )
    async with room.person(staff="kim") as page:
        await page.goto("/console/ops/views/timeline")
        await expect(page.locator("[data-live-state]")).to_have_text("Live", timeout=15_000)
        now = page.locator("[data-part=now]")
        making = asyncio.create_task(rebuild(slow))
        await expect(now).to_contain_text("Generation 2 is being made", timeout=15_000)
        steps = set()
        for _ in range(2):
            told = now.get_by_text(re.compile("[1-9][0-9]? %: [0-9]+ of [0-9]+ events"))
            await expect(told).to_contain_text("left", timeout=15_000)
            step = await told.inner_text()
            steps.add(step)
            await expect(told).not_to_have_text(step, timeout=15_000)
        assert len(steps) == 2
        by_partition = page.get_by_role("region", name="Generation 2 by partition")
        await expect(by_partition.get_by_role("row")).to_have_count(5)
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
