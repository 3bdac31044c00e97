"""Every screen as people meet it: readable by everybody, narrow or dark, by keys alone, without scripts."""

import json
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.async_api import Page

from tests.api_reader import CUSTOMER
from tests.console_guests import DESK, EMAIL, LOYALTY_DESK, OPERATOR, PHONE
from tests.e2e.browser.conftest import Console

SCREENS = {
    "search": "/console/",
    "customer": f"/console/c/{CUSTOMER}",
    "customer, all opened": f"/console/c/{CUSTOMER}?purpose=complaint_handling",
    "customer, no such entries": f"/console/c/{CUSTOMER}?type=feedback.recorded",
    "points": f"/console/c/{CUSTOMER}/loyalty",
    "cases": "/console/cases?status=open",
    "no cases": "/console/cases?status=withdrawn&assignee=nobody",
    "case": "/console/cases/C-1?purpose=complaint_handling",
    "paused cases": "/console/cases?status=waiting_for_customer",
    "paused case": "/console/cases/C-PAUSED",
    "desk": "/console/desk?location=hq/bangkok/bkk-01/restaurant",
    "no desk yet": "/console/desk",
    "tasks": "/console/tasks?assignee=",
    "no tasks": "/console/tasks?assignee=nobody",
    "no such page": "/console/nowhere",
    "no such customer": "/console/c/cus_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "sign in": "/console/sign-in",
}
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


async def violations(page: Page) -> list[str]:
    """What axe finds. It comes in over the inspector, where the page's policy, which would refuse it, does not hold."""
    await page.evaluate(AXE_FILE_PATH.read_text())
    found: Any = await page.evaluate(f"axe.run({{runOnly: {json.dumps(_RULES)}}})")
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found["violations"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
async def test_every_screen_is_for_everybody(console: Console, scheme: str, width: int) -> None:
    context: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    faults: dict[str, Any] = {}
    async with console.person(DESK, **context) as page:
        for name, path in SCREENS.items():
            await page.goto(path)
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            found = await violations(page) + ([f"{wide} pixels too wide"] if wide > 0 else [])
            if found:
                faults[name] = found
    assert not faults


@pytest.mark.parametrize("who", [OPERATOR, LOYALTY_DESK], ids=["operator", "loyalty desk"])
async def test_closed_parts_are_for_everybody_too(console: Console, who: Any) -> None:
    async with console.person(who) as page:
        await page.goto(f"/console/c/{CUSTOMER}")
        assert await violations(page) == []


async def test_from_a_phone_call_to_the_case_by_keys_alone(console: Console) -> None:
    async with console.person(DESK) as page:
        assert await page.evaluate("document.activeElement.id") == "q"
        await page.keyboard.type("0171 123-4567")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/console/c/{CUSTOMER}**")
        await page.keyboard.press("g")
        await page.keyboard.press("o")
        await page.wait_for_url("**/console/cases")
        await page.get_by_role("link", name="Open", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/cases?status=open")
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/cases/C-1")
        await page.keyboard.press("g")
        await page.keyboard.press("t")
        await page.wait_for_url("**/console/tasks")
        await page.keyboard.press("/")
        await page.wait_for_url("**/console/")


async def test_keys_are_letters_where_somebody_types_and_nothing_once_turned_off(console: Console) -> None:
    async with console.person(DESK) as page:
        await page.fill("#q", "")
        await page.keyboard.type("gt?/j")
        assert await page.input_value("#q") == "gt?/j"
        await page.get_by_role("button", name="Keyboard").click()
        await page.get_by_label("Keys on").uncheck()
        await page.get_by_role("button", name="Close").click()
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("?")
        assert not await page.locator("#keys").is_visible()


async def test_without_scripts_search_card_and_queue_are_there(console: Console) -> None:
    async with console.person(DESK, java_script_enabled=False) as page:
        await page.fill("#q", EMAIL.upper())
        await page.get_by_role("button", name="Find").click()
        await page.wait_for_url(f"**/console/c/{CUSTOMER}**")
        assert await page.get_by_role("heading", name="Ada").is_visible()
        await page.get_by_label("Purpose").select_option("ordering")
        await page.get_by_role("button", name="Change").click()
        await page.wait_for_url("**purpose=ordering**")
        await page.get_by_role("link", name="Cases").click()
        assert await page.get_by_role("heading", name="Cases").is_visible()


async def test_hostile_texts_run_nowhere_and_nothing_is_asked_of_another_host(console: Console) -> None:
    async with console.person(DESK) as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        for path in SCREENS.values():
            await page.goto(path)
            assert await page.locator("img[src=x]").count() == 0
        assert dialogs == []
    assert {each.url.split("/console")[0] for each in console.asked} == {console.url}


async def test_what_people_say_of_themselves_stands_in_no_address(console: Console) -> None:
    async with console.person(DESK) as page:
        for typed in (PHONE, "0171 123-4567", EMAIL):
            await page.goto("/console/")
            await page.fill("#q", typed)
            await page.press("#q", "Enter")
            await page.wait_for_url(f"**/console/c/{CUSTOMER}**")
    addresses = " ".join(each.url for each in console.asked)
    assert not [each for each in ("1234567", "123-4567", "example.org", "secret-nuts") if each in addresses]


async def test_a_day_is_the_places_own_in_a_browser_of_another_zone(console: Console) -> None:
    async with console.person(DESK, timezone_id="Pacific/Kiritimati", locale="th-TH") as page:
        await page.goto(f"/console/c/{CUSTOMER}")
        assert await page.locator("h3.day", has_text="Mon 1 Jun 2026").count() == 1
        assert "Times of Europe/Berlin, as of 1 Jul 2026, 12:00" in await page.locator("footer").inner_text()
