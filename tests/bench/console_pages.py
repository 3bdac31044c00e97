"""How soon people see what they asked the console for: its first page, a customer from a search, and a busy timeline.

In a real Chromium, on this machine. `plain` is the machine as it is; `slow` is a quarter of its processor and a line of
10 Mbit/s with 20 ms, as DevTools throttle them.
"""

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import Browser, Page, async_playwright

from tests.bench.card_latency import filled
from tests.bench.deployment import Deployment, on_embedded_log
from tests.bench.environment import Bench
from tests.bench.keep_alive import KeepAlive
from tests.bench.measurement import BenchError, Figures, Outcome, Row, Wanted, percentile

_SEARCHES: Final = 20
_BURST_EVENTS: Final = 2_000
_BURST_SECONDS: Final = 5.0
_BATCH: Final = 40
_SLOW: Final = {
    "offline": False,
    "latency": 20,
    "downloadThroughput": 1_250_000,
    "uploadThroughput": 1_250_000,
}
_SLOWDOWN: Final = 4
_PAINTED: Final = """
() => new Promise((done) => new PerformanceObserver((list) => {
  const [last] = list.getEntries().slice(-1);
  if (last) done(last.startTime);
}).observe({ type: "largest-contentful-paint", buffered: true }))
"""
_WATCH_TASKS: Final = """
() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.longest = Math.max(window.longest, each.duration);
  }).observe({ type: "longtask" });
}
"""


async def measure(bench: Bench) -> Outcome:
    """One API, one ingest and one worker process; guests as in `card`."""
    path = os.environ.get("RAPPORT_TEST_CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise BenchError("no Chromium: `apt-get install chromium`, or set RAPPORT_TEST_CHROMIUM=PATH")
    async with on_embedded_log(bench, "console") as deployment:
        await filled(bench, deployment)
        async with (
            deployment.serve("api") as (_, port),
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            url = f"http://127.0.0.1:{port}"
            await _painted(browser, url, slow=False)
            plain = [await _painted(browser, url, slow=False) for _ in range(bench.rounds)]
            slow = [await _painted(browser, url, slow=True) for _ in range(bench.rounds)]
            found = [percentile(await _searches(browser, url), 0.95) for _ in range(bench.rounds)]
            bursts = [await _burst(browser, url, deployment, number) for number in range(bench.rounds)]
            await browser.close()
    return Outcome(
        (
            _row("first page painted, plain", plain, 250),
            _row("first page painted, slow", slow, 600, "a quarter of the processor, 10 Mbit/s"),
            _row("search to card p95", found, 500, f"{_SEARCHES} searches a round, to the card's heading"),
            _row(
                "longest task at 400 events/s", [task for task, _ in bursts], 150,
                f"{_BURST_EVENTS:,} events of the customer on screen; at most {max(rows for _, rows in bursts)} rows",
            ),
        )
    )  # fmt: skip


def _row(scenario: str, rounds: list[float], most: float, note: str = "") -> Row:
    return Row(scenario, "ms", Figures("rapport", tuple(rounds)), wanted=Wanted(most=most), note=note)


@asynccontextmanager
async def _page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context()
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def _painted(browser: Browser, url: str, *, slow: bool) -> float:
    """When the largest part of the first page was painted, in a browser that has seen nothing of it."""
    async with _page(browser) as page:
        if slow:
            session = await page.context.new_cdp_session(page)
            await session.send("Network.emulateNetworkConditions", dict(_SLOW))
            await session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWDOWN})
        await page.goto(f"{url}/console/", wait_until="load")
        painted: float = await page.evaluate(_PAINTED)
        return painted


async def _searches(browser: Browser, url: str) -> list[float]:
    latencies = []
    async with _page(browser) as page:
        for number in range(_SEARCHES):
            await page.goto(f"{url}/console/")
            await page.fill("#q", f"m-{number * 7}")
            began = time.perf_counter()
            await page.press("#q", "Enter")
            await page.get_by_role("heading", name=f"Guest {number * 7}", exact=False).wait_for()
            latencies.append((time.perf_counter() - began) * 1e3)
    return latencies


async def _burst(browser: Browser, url: str, deployment: Deployment, round_number: int) -> tuple[float, int]:
    """The longest task of a page whose customer has 400 events a second, and its rows in the end."""
    async with (
        deployment.serve("ingest") as (_, port),
        deployment.project(),
        KeepAlive(port) as connection,
        _page(browser) as page,
    ):
        await page.goto(f"{url}/console/")
        await page.fill("#q", "M1")
        await page.press("#q", "Enter")
        await page.wait_for_url("**/console/c/**")
        await page.locator("[data-live-state]").filter(has_text="Live").wait_for()
        await page.evaluate(_WATCH_TASKS)
        began = time.perf_counter()
        for first in range(0, _BURST_EVENTS, _BATCH):
            await asyncio.sleep(
                max(0.0, began + first * _BURST_SECONDS / _BURST_EVENTS - time.perf_counter())
            )
            events = [_viewed(round_number, number) for number in range(first, first + _BATCH)]
            headers = {"content-type": "application/json"}
            answer = await connection.request("POST", "/v1/events", headers, json.dumps(events).encode())
            if answer.status != 202:
                raise BenchError(f"ingest answered {answer.status}: {answer.body[:300]!r}")
        await page.locator(".pill").first.wait_for()
        longest: float = await page.evaluate("window.longest")
        return longest, await page.locator("[data-row]").count()


def _viewed(round_number: int, number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"viewed-{round_number}-{number}",
        "source": "/bench/console",
        "type": "interaction.recorded",
        "time": f"2026-01-01T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "channel": "web",
        "data": {"customer": [{"type": "member", "value": "M1"}], "kind": "message", "category": "service"},
    }
