"""Fixtures with a real Chromium: RAPPORT_TEST_CHROMIUM's, else the machine's own, else the test is skipped loudly."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright, expect

_PATIENCE_MILLISECONDS = 20_000
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_or_skip() -> str:
    """The path of a browser; without one the test is skipped, or fails where RAPPORT_REQUIRE_CHROMIUM=1."""
    found = os.environ.get("RAPPORT_TEST_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found:
        return found
    reason = "NO CHROMIUM: install it (`apt-get install chromium`), or set RAPPORT_TEST_CHROMIUM=PATH"
    if os.environ.get("RAPPORT_REQUIRE_CHROMIUM") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A browser that every test shares; each opens a context of its own in it."""
    path = chromium_or_skip()
    expect.set_options(timeout=_PATIENCE_MILLISECONDS)
    async with async_playwright() as playwright:
        # Chromium refuses its sandbox to root, which tests in containers are, and shared memory is small there; pages
        # here are our own.
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()
