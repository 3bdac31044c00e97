"""Screens that keep up: what changes is shown where it may be, counted where people read, kept where they type."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page, Route, expect

from services.api.console.assets import Assets
from services.api.console.moments import duration
from tests.api_reader import CUSTOMER
from tests.complaining import complaint_desk, created, opened, task
from tests.console_guests import event, guests
from tests.e2e.browser.conftest import Console
from tests.fakes.tcp_proxy import tcp_proxy
from tests.listening import on_a_port
from tests.projecting import purchase

SCREEN = f"/console/c/{CUSTOMER}"


@pytest.fixture
async def desk(database_url: str, chromium: Browser) -> AsyncIterator[Console]:
    """A console of its own for a test that changes what it shows; nobody has to sign in."""
    async with complaint_desk(database_url) as (reader, _):
        await reader.given(*guests())
        async with on_a_port(reader) as url:
            yield Console(url, reader, chromium)


async def is_live(page: Page) -> None:
    await expect(page.locator("[data-live-state]")).to_have_text("Live", timeout=15_000)


async def test_what_happened_is_counted_above_the_timeline_and_shown_when_asked_for(desk: Console) -> None:
    async with desk.person() as page:
        await page.goto(SCREEN)
        await is_live(page)
        first = page.locator("[data-part=timeline] .entry").first
        was = await first.inner_text()
        await desk.reader.given(purchase(1), purchase(2), purchase(3))
        pill = page.get_by_role("button", name="3 new")
        await expect(pill).to_be_visible(timeout=15_000)
        assert await first.inner_text() == was
        await pill.click()
        await expect(page.locator("[data-part=timeline]")).to_contain_text("order o-3")
        assert await page.evaluate("document.activeElement.textContent") == "Timeline"


async def test_points_change_before_ones_eyes_and_the_rest_of_the_page_stays(desk: Console) -> None:
    async with desk.person() as page:
        await page.goto(SCREEN)
        await is_live(page)
        await page.evaluate("document.querySelector('[data-part=tasks]').mine = true")
        await desk.reader.given(
            event("more-points", "loyalty.points_earned", account_id="M1", points=7, reason="x")
        )
        await expect(page.locator("[data-part=loyalty] .figure")).to_have_text("97", timeout=15_000)
        assert await page.evaluate("document.querySelector('[data-part=tasks]').mine")


async def test_a_part_that_somebody_is_at_is_not_replaced_but_says_that_it_changed(desk: Console) -> None:
    async with desk.person() as page:
        await page.goto(SCREEN)
        await is_live(page)
        await page.locator("[data-part=cases] a").first.focus()
        await desk.reader.given(opened("10:00", "C-2"))
        button = page.locator("[data-part=cases] .pill")
        await expect(button).to_have_text("Changed: show it", timeout=15_000)
        assert await page.evaluate("document.activeElement.textContent") == "C-1"
        await button.click()
        await expect(page.locator("[data-part=cases]")).to_contain_text("C-2")


async def test_paused_nothing_changes_and_going_on_shows_all_of_it(desk: Console) -> None:
    async with desk.person() as page:
        await page.goto(SCREEN)
        await is_live(page)
        await page.keyboard.press("p")
        await expect(page.locator("[data-live-state]")).to_have_text("Paused")
        position = await desk.reader.given(
            event("more-points", "loyalty.points_earned", account_id="M1", points=7, reason="x")
        )
        answer = await page.request.get(
            f"/v1/customers/{CUSTOMER}", headers={"rapport-at-least": position.token()}
        )
        assert answer.ok
        assert await page.locator("[data-part=loyalty] .figure").inner_text() == "90"
        await page.keyboard.press("p")
        await expect(page.locator("[data-part=loyalty] .figure")).to_have_text("97", timeout=15_000)


async def test_whom_the_door_lets_in_the_restaurant_knows_before_they_sit_down(desk: Console) -> None:
    async with desk.person() as page:
        await page.goto("/console/desk?location=hq/bangkok/bkk-01/restaurant")
        await is_live(page)
        guest = page.locator("[data-part=desk]", has_text="Ada")
        assert await guest.count() == 0
        now = "2024-01-08T11:59:00Z"
        await desk.reader.given(
            event("at-door", "interaction.recorded", now, kind="visit", category="sales",
                  location="hq/bangkok/bkk-01/door", direction="inbound")
        )  # fmt: skip
        await expect(guest).to_be_visible(timeout=15_000)
        await expect(page.get_by_role("heading", name="Elsewhere in hq/bangkok/bkk-01")).to_be_visible()


async def test_tasks_and_deadlines_on_the_first_screen_come_as_they_are_made(desk: Console) -> None:
    async with desk.person(staff="lee") as page:
        await is_live(page)
        await page.evaluate("document.querySelector('#q').mine = true")
        await desk.reader.given(
            created("13:00", "T-7", assignee={"person": "lee"}), opened("12:20", "C-7", severity="critical")
        )
        await expect(page.locator("[data-part=tasks]")).to_contain_text("T-7", timeout=15_000)
        await expect(page.locator("[data-part=due]")).to_contain_text("C-7", timeout=15_000)
        await desk.reader.given(task("assigned", "10:00", "T-7", assignee={"person": "kim"}))
        await expect(page.locator("[data-part=tasks]")).to_contain_text("No open tasks", timeout=15_000)
        assert await page.evaluate("document.querySelector('#q').mine && document.activeElement.id") == "q"


async def test_a_list_of_tasks_keeps_up_and_a_draft_in_it_is_kept(desk: Console) -> None:
    async with desk.person(staff="lee") as page:
        await page.goto("/console/tasks?assignee=kitchen")
        await is_live(page)
        part = page.locator("[data-part=tasks]")
        await desk.reader.given(created("13:00", "T-7", assignee={"department": "kitchen"}))
        await expect(part).to_contain_text("T-7", timeout=15_000)
        draft = part.get_by_label("Outcome of T-7")
        await draft.fill("she wants")
        await draft.evaluate("field => field.blur()")
        await desk.reader.given(created("14:00", "T-8", assignee={"department": "kitchen"}))
        pill = part.get_by_role("button", name="Changed: show it")
        await expect(pill).to_be_visible(timeout=15_000)
        assert await draft.input_value() == "she wants"
        await draft.fill("")
        await pill.click()
        await expect(part).to_contain_text("T-8")
        assert await page.evaluate("document.activeElement.dataset.part") == "tasks"
        await part.get_by_label("Outcome of T-7").fill("done")
        await part.get_by_role("button", name="Done").first.click()
        await page.wait_for_url("**/console/tasks?at=*")


async def test_no_row_that_is_read_moves_though_others_come_above_it(desk: Console) -> None:
    many = [created(f"2024-01-09T{hour:02}:00", f"T-{hour}") for hour in range(10, 24)]
    await desk.reader.given(*many)
    async with desk.person() as page:
        await page.goto("/console/tasks?assignee=kim")
        await is_live(page)
        part = page.locator("[data-part=tasks]")
        top = "document.querySelector('[data-id=T-22]').getBoundingClientRect().top"
        await page.evaluate("document.querySelector('[data-id=T-21]').scrollIntoView()")
        was = await page.evaluate(top)
        await desk.reader.given(created("13:00", "T-early"))
        await expect(part).to_contain_text("T-early", timeout=15_000)
        assert abs(await page.evaluate(top) - was) < 2
        await page.evaluate("scrollTo(0, 0)")
        was = await page.evaluate(top)
        await desk.reader.given(created("2024-01-09T10:30", "T-between"))
        pill = part.get_by_role("button", name="Changed: show it")
        await expect(pill).to_be_visible(timeout=15_000)
        assert abs(await page.evaluate(top) - was) < 2
        await pill.click()
        await expect(part).to_contain_text("T-between")


async def test_what_falls_due_joins_its_list_within_a_minute_though_nobody_did_anything(
    database_url: str, chromium: Browser
) -> None:
    async with complaint_desk(database_url) as (reader, hand):
        await reader.given(created("13:00", "T-7"), opened("11:30", "C-7", severity="critical"))
        async with on_a_port(reader) as url, Console(url, reader, chromium).person() as page:
            await page.clock.install()
            for path, late in (("/console/cases", "C-7"), ("/console/tasks?overdue=true&assignee=", "T-7")):
                await page.goto(path)
                await is_live(page)
                assert late not in await page.locator("main").inner_text()
                hand.move(hours=0.75)
                await page.clock.fast_forward(61_000)
                await expect(page.locator("[data-part]")).to_contain_text(late, timeout=15_000)


async def test_a_part_says_that_it_is_being_read_and_that_it_is_old_where_it_could_not_be(
    desk: Console,
) -> None:
    held = asyncio.Event()

    async def refused(route: Route) -> None:
        await held.wait()
        await route.fulfill(status=503, body="not now")

    async with desk.person(broken=True) as page:
        await page.goto(SCREEN)
        await is_live(page)
        await page.route("**/*part=loyalty*", refused)
        await desk.reader.given(
            event("more-points", "loyalty.points_earned", account_id="M1", points=7, reason="x")
        )
        part = page.locator("[data-part=loyalty]")
        await expect(part).to_have_attribute("aria-busy", "true", timeout=15_000)
        held.set()
        await expect(part.locator(".stale")).to_contain_text("Not current since", timeout=15_000)
        await expect(part.locator(".figure")).to_have_text("90")


async def test_a_deadline_goes_on_by_the_servers_clock_and_is_told_as_the_page_told_it(desk: Console) -> None:
    moments = [0, 59, 60, 3599, 3600, 12_000, 90_000, 86_400 * 13 + 7_200, 86_400 * 14, 86_400 * 40]
    async with desk.person() as page:
        await page.clock.install(
            time=datetime(2031, 1, 1, tzinfo=UTC)
        )  # a browser whose clock is years ahead
        await page.goto("/console/")
        told = await page.evaluate(
            "([address, moments]) => import(address).then(({ lasting }) => moments.map(lasting))",
            [Assets().address("deadlines.js"), moments],
        )
        assert told == [duration(each) for each in moments]
        deadline = page.locator("section", has=page.locator("#due-title")).locator("time[data-due]")
        await expect(deadline).to_have_text("in 1 h")
        await page.clock.fast_forward(61 * 60 * 1000)
        await expect(deadline).to_have_text("1 min late")
        await expect(deadline).to_have_class("due late")


async def test_nine_tabs_are_one_stream_and_all_keep_up(desk: Console) -> None:
    async with desk.person() as page:
        tabs = [page, *[await page.context.new_page() for _ in range(8)]]
        for tab in tabs:
            await tab.goto(SCREEN)
        for tab in tabs:
            await is_live(tab)
        await desk.reader.given(purchase(1))
        for tab in tabs:
            await expect(tab.get_by_role("button", name="1 new")).to_be_visible(timeout=15_000)
    metrics = desk.reader.metrics.registry
    assert metrics.get_sample_value(
        "rapport_api_request_seconds_count", {"route": "/console/live", "status": "200"}
    )


async def test_a_stream_that_breaks_says_since_when_and_catches_up(
    database_url: str, chromium: Browser
) -> None:
    async with complaint_desk(database_url) as (reader, _):
        await reader.given(*guests())
        async with (
            on_a_port(reader) as behind,
            tcp_proxy(("127.0.0.1", int(behind.rpartition(":")[2]))) as proxy,
        ):
            console = Console(f"http://127.0.0.1:{proxy.port}", reader, chromium)
            async with console.person(broken=True) as page:
                await page.goto(SCREEN)
                await is_live(page)
                proxy.cut()
                await expect(page.locator("[data-live-state]")).to_contain_text(
                    "Not live since", timeout=15_000
                )
                await reader.given(purchase(1))
                proxy.heal()
                await expect(page.get_by_role("button", name="1 new")).to_be_visible(timeout=30_000)
                await is_live(page)
