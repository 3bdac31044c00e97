"""The pictures that the README shows are of screens. `RAPPORT_WRITE_GOLDEN=1` takes them anew: look at them."""

import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from services.ops.demo.guests import FOGG, guest_events
from shared.identifiers import customer_id_of
from tests.complaining import acknowledged, assigned, complaint_desk, happened, opened
from tests.e2e.browser.conftest import Console
from tests.listening import on_a_port
from tests.strategies import PARTY_IDS

PICTURES = "services/api/console/screenshots"
NOW = datetime(1998, 7, 1, 16, tzinfo=UTC)
SCREENS = {
    "customer": f"/console/c/{customer_id_of(PARTY_IDS.of('member', FOGG.member))}?purpose=ordering",
    "case": "/console/cases/C-2041?purpose=complaint_handling",
}


@pytest.fixture
async def restaurant(database_url: str, chromium: Browser) -> AsyncIterator[Console]:
    """The demo's guests, of whom one was kept waiting."""
    case = "C-2041"
    waited = {"location": "hq/restaurant", "staff": "passepartout"}
    # The tests' programme is in euros and at home in Berlin.
    here = json.loads(json.dumps(guest_events()).replace('"USD"', '"EUR"').replace('-04:00"', '+02:00"'))
    async with complaint_desk(database_url) as (reader, hand):
        hand.now = NOW
        await reader.given(
            *here,
            opened(
                "1998-06-29T09:05", case, FOGG.member, summary="The toast was two degrees too cold", **waited
            ),
            acknowledged("1998-06-29T10:20", case),
            assigned("1998-06-29T10:25", case, department="kitchen", person="passepartout"),
            happened(
                "customer_awaited", "1998-06-29T13:00", case, note="Asked for the temperature of the bacon"
            ),
            happened("customer_replied", "1998-06-30T11:00", case, note="Eighty-six degrees, as agreed"),
        )
        async with on_a_port(reader) as url:
            yield Console(url, reader, chromium)


async def test_the_readme_shows_the_screens(restaurant: Console, project_root: Path) -> None:
    readme = (project_root / "README.md").read_text()
    async with restaurant.person(staff="passepartout", viewport={"width": 1280, "height": 800}) as page:
        for name, path in SCREENS.items():
            await page.goto(path)
            if name == "case":
                await page.get_by_text("Compensate", exact=True).first.click()
            await expect(page.locator("[data-live-state]")).to_have_text("Live", timeout=15_000)
            picture = await page.screenshot(type="png")
            place = project_root / PICTURES / f"{name}.png"
            if os.environ.get("RAPPORT_WRITE_GOLDEN") == "1":
                place.write_bytes(picture)
            assert place.read_bytes().startswith(b"\x89PNG"), f"{place} is no picture"
            assert f'<img src="{PICTURES}/{name}.png"' in readme
