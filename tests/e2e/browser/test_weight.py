"""How much a screen asks of a line and a machine: bytes and requests of the first visit, rows that are kept, shifts."""

import pytest
from playwright.async_api import Response

from tests.api_reader import CUSTOMER
from tests.console_guests import DESK
from tests.e2e.browser.conftest import Console

MOST_BYTES = 40_000
MOST_REQUESTS = 15
MOST_SHIFT = 0.02
MOST_ROWS = 200
_SHIFT = """
() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const each of list.getEntries()) sum += each.value; })
    .observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
})
"""


@pytest.mark.parametrize("path", ["/console/", f"/console/c/{CUSTOMER}", "/console/cases?status=open"])
async def test_a_first_visit_is_light_and_nothing_moves_under_ones_eyes(console: Console, path: str) -> None:
    async with console.person(DESK) as page:
        state = await page.context.storage_state()
    heard: list[Response] = []
    async with console.person(storage_state=state) as page:
        page.on("response", lambda response: heard.append(response))  # noqa: PLW0108 - Playwright marks what it is given
        await page.goto(path, wait_until="load")
        sizes = [await each.request.sizes() for each in heard if "/console/live" not in each.url]
        carried = sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)
        assert carried <= MOST_BYTES
        assert len(heard) <= MOST_REQUESTS
        assert await page.evaluate(_SHIFT) <= MOST_SHIFT
        assert await page.locator("[data-row]").count() <= MOST_ROWS
