"""`rapport demo`: everything embedded, the sample through the front door, and what to make of it."""

import asyncio
import dataclasses
from collections.abc import Coroutine, Sequence
from typing import Any

import asyncpg
import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.ops.all_in_one import Wishes, serve_all
from services.ops.data_directory import Running
from services.ops.demo.account_screen import show_account
from services.ops.demo.account_story import account_story, longest_history
from services.ops.demo.card_screen import PURPOSES, show_card
from services.ops.demo.check import OnTimelines, check, on_timelines
from services.ops.demo.check_complaints import check_complaints, until_escalated
from services.ops.demo.check_guests import card_of_member, check_guests
from services.ops.demo.check_points import InLedger, check_points, in_ledger
from services.ops.demo.check_scoring import check_scoring
from services.ops.demo.complaint_events import NOW, Complaint, complaints_of
from services.ops.demo.complaint_screen import show_complaints
from services.ops.demo.derived import member_of
from services.ops.demo.events import demo_events
from services.ops.demo.guests import FOGG, GUESTS, guest_events
from services.ops.demo.loading import Loaded, load
from services.ops.demo.points import points_of
from services.ops.demo.programme import programmes_text
from services.ops.demo.sample import Purchase, purchases
from services.ops.demo.scored import scored, silent_customers
from services.ops.demo.silence_screen import show_silence
from services.ops.projection_process import Notice
from services.ops.screens import show_built, show_check, show_demo
from shared.clock import Clock

_REQUEST_SECONDS = 35.0


class DemoWrongError(Exception):
    """The check found the views other than the sample; the screen says where."""


async def demo(
    wishes: Wishes, stop: asyncio.Event, console: Console, clock: Clock, notice: Notice, *, once: bool
) -> None:
    """Serves everything, posts the sample, shows what came of it, and keeps serving until `stop`, or, with `once`,
    checks it and ends. Raises what `serve_all` raises, `LoadingError`, and `DemoWrongError`.
    """
    serving: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    # Clocks stand at the sample's end, and nothing is escalated before the answers that were given in time are posted.
    loaded = asyncio.Event()
    wishes = dataclasses.replace(
        wishes, api_clock=lambda: NOW, complaint_clock=lambda: NOW, escalation_begins=loaded
    )

    async def tell() -> None:
        running = await serving
        try:
            await _until(stop, _tell(running, wishes, console, clock, loaded, once=once))
        finally:
            if once:
                stop.set()

    console.print(
        f"\n  [bold]Rapport[/] starts with a PostgreSQL of its own in [bold]{wishes.data.path.name}[/] …"
    )
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(tell())
        await serve_all(wishes, stop, serving.set_result, notice)
        telling.cancel()


async def _until(stop: asyncio.Event, story: Coroutine[Any, Any, None]) -> None:
    """Tells the story to its end, or drops it when a stop comes first."""
    telling = asyncio.create_task(story)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({telling, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if telling.done():
            telling.result()
    finally:
        telling.cancel()
        stopping.cancel()
        await asyncio.gather(telling, stopping, return_exceptions=True)


async def _tell(
    running: Running, wishes: Wishes, console: Console, clock: Clock, is_loaded: asyncio.Event, *, once: bool
) -> None:
    sample = purchases()
    complaints = complaints_of(sample)
    events, guests = demo_events(sample), guest_events()
    database = await asyncpg.connect(running.database)
    try:
        async with httpx.AsyncClient(
            base_url=running.url, timeout=_REQUEST_SECONDS, trust_env=False
        ) as client:
            before = await on_timelines(database)
            with _progress(console) as progress:
                loaded = await _load(client, database, [*guests, *events], progress)
            is_loaded.set()
            await until_escalated(database, complaints[-1])
            after = await on_timelines(database)
            run = await scored(running, database)
            silent = await silent_customers(client)
            expected = points_of(events, programmes_text())
            ledger = await in_ledger(database, list(expected))
            built = _built(sample, after, before, list(ledger.values()), complaints)
            show_built(console, built, loaded.seconds, len(guests) + len(events))
            show_account(console, await account_story(client, *longest_history(events)), running.url)
            show_complaints(console, complaints, running.url)
            show_silence(console, run, silent, running.url)
            cards = {purpose: await card_of_member(client, FOGG.member, purpose) for purpose in PURPOSES}
            show_card(console, cards, running.url)
            if once:
                findings = await check(client, database, sample, len(events))
                findings += await check_points(client, database, expected)
                findings += await check_complaints(client, database, complaints)
                findings += await check_guests(client, database)
                findings += await check_scoring(database, [*guests, *events], run, silent)
                show_check(console, findings)
                if not all(finding.right for finding in findings):
                    raise DemoWrongError(f"the views in {wishes.data.path} are not what the sample says")
            else:
                known = await client.post(
                    "/v1/customers/lookup", json={"type": "member", "value": member_of(sample[0])}
                )
                customer_id = known.raise_for_status().json()["customer_id"]
                show_demo(console, running, wishes.data.path, clock(), customer_id)
    finally:
        await database.close()


async def _load(
    client: httpx.AsyncClient,
    database: asyncpg.Connection,
    events: Sequence[dict[str, object]],
    progress: Progress,
) -> Loaded:
    posting = progress.add_task("posted", total=len(events))
    projecting = progress.add_task("in views", total=len(events))

    def report(posted: int, projected: int) -> None:
        progress.update(posting, completed=posted)
        progress.update(projecting, completed=projected)

    return await load(client, database, events, report)


def _built(
    sample: Sequence[Purchase],
    after: OnTimelines,
    before: OnTimelines,
    accounts: Sequence[InLedger],
    complaints: Sequence[Complaint],
) -> list[tuple[str, str]]:
    first, last = min(each.day for each in sample), max(each.day for each in sample)
    built = [
        (f"{after.purchases:,}", f"purchases, {first:%B %Y} to {last:%B %Y}"),
        (f"${after.total:,.2f}", "in all"),
        (
            f"{after.customers:,}",
            "customers, each with a timeline and an account of points",
        ),
        (f"{after.contacts:,}", "visits and calls, added by the demo"),
        (f"{after.customers:,}", "words of consent to profiling, likewise, so that lists may name them"),
        (f"{sum(each.earned for each in accounts):,}", "points earned by the demo's programme"),
        (f"{sum(each.redeemed for each in accounts):,}", "redeemed for vouchers, added by the demo"),
        (f"{sum(each.taken_back for each in accounts):,}", "taken back with CDs brought back, likewise"),
        (f"{len(complaints):,}", "complaints, likewise"),
        (f"{len(GUESTS):,}", "guests of a restaurant, out of old novels, for a card"),
    ]
    if before.entries:
        built.append((f"{before.entries:,}", "events were here already: repeats, which changed nothing"))
    return built


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description:>12}"),
        BarColumn(bar_width=34),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
