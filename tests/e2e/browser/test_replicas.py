"""A console of two replicas: one that stops in the midst of a stream is missed by nobody who looks."""

from playwright.async_api import Browser, expect

from tests.api_reader import CUSTOMER, reader
from tests.complaining import complaint_desk
from tests.console_guests import DESK, OPERATOR, guests
from tests.credentials import access, keys_in_force, take_keys
from tests.e2e.browser.conftest import Console
from tests.fakes.tcp_proxy import tcp_proxy
from tests.listening import on_a_port
from tests.projecting import purchase


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_a_replica_that_ends_in_mid_stream_leaves_no_gap_and_the_session_holds_at_the_other(
    database_url: str, chromium: Browser
) -> None:
    letting_in = access(DESK)
    async with (
        complaint_desk(database_url, access=letting_in) as (first, hand),
        reader(database_url, access=letting_in, clock=hand) as second,
        on_a_port(first) as url,
        on_a_port(second) as spare,
        tcp_proxy(("127.0.0.1", port_of(url))) as proxy,
    ):
        await first.given(*guests())
        console = Console(f"http://127.0.0.1:{proxy.port}", first, chromium)
        async with console.person(DESK, broken=True) as page:
            await page.goto(f"/console/c/{CUSTOMER}")
            await expect(page.locator("[data-live-state]")).to_have_text("Live", timeout=15_000)
            await first.given(purchase(1))
            await expect(page.get_by_role("button", name="1 new")).to_be_visible(timeout=15_000)
            proxy.target = ("127.0.0.1", port_of(spare))
            proxy.cut()
            await first.given(purchase(2))
            proxy.heal()
            pill = page.get_by_role("button", name="2 new")
            await expect(pill).to_be_visible(timeout=30_000)
            await pill.click()
            entries = page.locator("[data-part=timeline]")
            for number in (1, 2):
                await expect(entries.get_by_text(f"(order o-{number})")).to_have_count(1)
            await page.get_by_role("link", name="Cases").click()
            await expect(page.get_by_role("heading", name="Cases")).to_be_visible()


async def test_somebody_whose_session_ended_is_told_so_on_the_screen_they_look_at(
    database_url: str, chromium: Browser
) -> None:
    followed = keys_in_force(DESK)
    async with (
        complaint_desk(database_url, access=access(followed=followed)) as (desk, _),
        on_a_port(desk) as behind,
        tcp_proxy(("127.0.0.1", port_of(behind))) as proxy,
    ):
        await desk.given(*guests())
        console = Console(f"http://127.0.0.1:{proxy.port}", desk, chromium)
        async with console.person(DESK, broken=True) as page:
            await page.goto(f"/console/c/{CUSTOMER}")
            await expect(page.locator("[data-live-state]")).to_have_text("Live", timeout=15_000)
            take_keys(followed, OPERATOR, revoked=1)
            proxy.cut()
            proxy.heal()
            await expect(page.get_by_role("link", name="Signed out: sign in again")).to_be_visible(
                timeout=30_000
            )
