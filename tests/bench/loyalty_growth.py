"""What an account's length costs: reading its balance, and taking up its next event."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

import asyncpg
from prometheus_client import CollectorRegistry

from services.projections.declared_views import declared_views
from services.projections.engine.folding import contribution_of
from services.projections.engine.live_set import load_live_set
from services.projections.engine.view_update import update_view
from services.projections.rules import default_rules
from shared.codec import decode_record
from shared.envelope import RecordedIdentifier
from shared.events.catalogue import Catalogue
from shared.log.choose import event_log
from shared.log.port import NewRecord, StoredRecord
from shared.metrics import Metrics
from tests.bench.deployment import Deployment, on_kafka, positions_sum
from tests.bench.environment import Bench
from tests.bench.keep_alive import KeepAlive
from tests.bench.loyalty_events import REDEEMED_POINTS, account_event
from tests.bench.measurement import BenchError, Figures, Outcome, Row, Wanted
from tests.bench.processes import wait_until
from tests.bench.purchases import customers, fill

_SHORT, _LONG = 100, 100_000
_SPENDING_POINTS = 200
"""More than comes in between two redemptions, so that an account keeps few lots."""
_PAIRS = 200
_MOST_TIMES_READ, _MOST_TIMES_TAKEN_UP = 2, 1.1
_FILL_SECONDS = 300


@dataclass(frozen=True, slots=True)
class _Account:
    """An account, how many events it has, and how many points its redemptions ask for."""

    member: RecordedIdentifier
    events: int
    redeemed: int


@dataclass(frozen=True, slots=True)
class _Times:
    """Milliseconds of a short and a long account, taken in turns: the median of each round."""

    short: list[float]
    long: list[float]

    @property
    def ratios(self) -> Figures:
        """How many times as long it takes with the long one."""
        return Figures(
            "rapport", tuple(long / short for short, long in zip(self.short, self.long, strict=True))
        )

    def __str__(self) -> str:
        return f"{median(self.short):.2f} ms and {median(self.long):.2f} ms"


_Measure = Callable[[_Account, int], Awaitable[float]]
"""Milliseconds that something took of an account; the number tells one time from the next."""


async def measure(bench: Bench) -> Outcome:
    """Accounts of 100 and of 100,000 events: of each length one that spends what comes in, and one that saves half.

    The one that saves has a lot left of nearly every second purchase, which is the worst case.
    """
    lengths = (_SHORT, bench.count(_LONG))
    spenders, savers = (
        [_Account(member, events, redeemed) for member, events in zip(members, lengths, strict=True)]
        for members, redeemed in ((customers(4)[:2], _SPENDING_POINTS), (customers(4)[2:], REDEEMED_POINTS))
    )
    async with on_kafka(bench, "length") as deployment:
        await _fill(deployment, [*spenders, *savers])
        async with _reading(deployment) as read:
            read_times = [await _in_turns(bench, read, pair) for pair in (spenders, savers)]
        async with _taking_up(deployment) as take_up:
            event_times = [await _in_turns(bench, take_up, pair) for pair in (spenders, savers)]
    rows = []
    for name, times, most in (
        ("balance", read_times, _MOST_TIMES_READ), ("next event", event_times, _MOST_TIMES_TAKEN_UP),
    ):  # fmt: skip
        for kind, each in zip(("spends", "saves"), times, strict=True):
            note = f"{lengths[0]:,} events beside {lengths[1]:,}: {each}"
            wanted = Wanted(most=most) if name == "balance" or kind == "spends" else None
            rows.append(Row(f"{name} of an account that {kind}", "x", each.ratios, wanted=wanted, note=note))
    return Outcome(tuple(rows))


async def _fill(deployment: Deployment, accounts: list[_Account]) -> None:
    deployment.bench.say(
        f"filling the log with {sum(each.events for each in accounts):,} events of four accounts"
    )
    log = event_log(deployment.settings, Metrics(CollectorRegistry()))
    filled = await fill(log, _histories(accounts))
    connection = await asyncpg.connect(deployment.database_url)

    async def is_projected() -> bool:
        return await positions_sum(connection) >= filled

    try:
        async with deployment.project() as worker:
            await wait_until(
                is_projected, "the accounts to be in the ledger", seconds=_FILL_SECONDS, while_alive=(worker,)
            )
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


def _histories(accounts: list[_Account]) -> Iterator[NewRecord]:
    number = 0
    for account in accounts:
        for turn in range(account.events):
            yield account_event(account.member, turn, number, account.redeemed)
            number += 1


async def _in_turns(bench: Bench, took: _Measure, accounts: list[_Account]) -> _Times:
    """Measures the short and the long account alternately, so that whatever else happens meets both alike."""
    times = _Times([], [])
    for _ in range(bench.rounds):
        found: tuple[list[float], list[float]] = ([], [])
        for number in range(_PAIRS):
            for account, milliseconds in zip(accounts, found, strict=True):
                milliseconds.append(await took(account, number))
        times.short.append(median(found[0]))
        times.long.append(median(found[1]))
    return times


@asynccontextmanager
async def _reading(deployment: Deployment) -> AsyncIterator[_Measure]:
    """Asks the API for the account over one kept connection."""
    async with deployment.serve("api") as (_, port), KeepAlive(port) as connection:

        async def read(account: _Account, _: int) -> float:
            begun = time.perf_counter()
            answer = await connection.request("GET", f"/v1/loyalty/accounts/{account.member.value}")
            took = (time.perf_counter() - begun) * 1e3
            if answer.status != 200:
                raise BenchError(f"the account was answered with {answer.status}: {answer.body[:300]!r}")
            return took

        yield read


@asynccontextmanager
async def _taking_up(deployment: Deployment) -> AsyncIterator[_Measure]:
    """Takes up one more event as the worker does, and rolls it back: three purchases, a redemption, and so on."""
    connection = await asyncpg.connect(deployment.database_url)
    try:
        live = await load_live_set(connection, declared_views(default_rules()))
        view = next(each for each in live.views if each.read_model.name == "loyalty")
        catalogue = Catalogue()

        async def take_up(account: _Account, number: int) -> float:
            turn = account.events + number % 4
            record = account_event(account.member, turn, _LONG * 3, account.redeemed)
            event = decode_record(StoredRecord(0, 2**40 + number, record.key, record.value), catalogue)
            transaction = connection.transaction()
            await transaction.start()
            begun = time.perf_counter()
            contribution = contribution_of(view, event)
            failures = await update_view(connection, view, [contribution] if contribution else [])
            took = (time.perf_counter() - begun) * 1e3
            await transaction.rollback()
            if failures:
                raise BenchError(f"the ledger did not take the event: {failures[0].error}")
            return took

        yield take_up
    finally:
        await connection.close()
