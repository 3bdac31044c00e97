"""Scoring runs of small bases: what they say where there is little to say, and what later events change."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from services.ops.export import export_customer
from services.scoring.failures import ScoringBusyError, ScoringFailedError, ScoringRefusedError
from services.scoring.schedule import Ended, ScoringSchedule
from services.scoring.score_tables import forget_scores
from services.scoring.scoring_run import _LOCK, Wanted
from shared.events.analytics import AnalyticsRunCompleted
from shared.metrics import Metrics
from shared.personal_data.data_key import DataKey
from shared.personal_data.opener import Opener
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import decode
from tests.scoring import DOLLARS, NOW, Scored, bought, event, named

TODAY = date(1998, 6, 30)


@pytest.fixture
async def scored(database_url: str) -> Scored:
    await empty_views(database_url, partitions=2)
    return Scored(database_url, MemoryLog(partitions=2))


@pytest.fixture
async def connection(scored: Scored) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(scored.url)
    yield connection
    await connection.close()


class NoKeys:
    """Keys of nobody: nothing here is sealed."""

    async def of_ids(self, _key_ids: Collection[bytes]) -> Mapping[bytes, DataKey]:
        return {}


def notes(run: AnalyticsRunCompleted) -> str:
    return "\n".join(run.notes)


def refunded(customer: str, order: str, amount: str, day: date) -> dict[str, Any]:
    return event(
        "purchase.refunded", f"refund-{order}", datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        customer=named(customer), order_id=order, refund_id="r-1",
        amount={"amount": amount, "currency": "USD"},
    )  # fmt: skip


def linked(one: str, other: str) -> dict[str, Any]:
    return event(
        "identity.linked", f"link-{one}-{other}", datetime(1998, 5, 1, tzinfo=UTC), link_id=f"{one}-{other}",
        customer=named(one), identifiers=[*named(one), *named(other)], reason="same_person",
    )  # fmt: skip


async def test_a_run_of_nobody_says_so(scored: Scored) -> None:
    run = await scored.run(Wanted(TODAY))
    assert run.customers == 0
    assert run.cuts is None
    assert (run.parameters.bg_nbd, run.parameters.mbg_nbd, run.parameters.gamma_gamma) == (None, None, None)
    assert "Nobody bought anything by 1998-06-30" in notes(run)
    assert run.backtest is not None
    assert "Nothing to look back at" in run.backtest.sentence
    assert await scored.rows() == []


async def test_a_run_of_one_customer_cuts_and_does_not_fit(scored: Scored) -> None:
    days = [date(1998, 3, day) for day in (1, 11, 21, 31)]
    await scored.see([bought("one", day, "20.50") for day in days])
    run = await scored.run(Wanted(TODAY))
    assert run.customers == 1
    assert run.cuts is not None
    assert run.cuts.monetary == (82.0, 82.0, 82.0, 82.0)
    assert "1 customers bought again, and MBG/NBD takes 100 at least" in notes(run)
    [row] = await scored.rows()
    assert (row["r"], row["f"], row["m"], row["tier"], row["lifecycle"]) == (5, 1, 1, "VIP", "declining")
    assert (row["usual_gap_days"], row["purchase_days"], row["monetary"]) == (10, 4, Decimal(82))
    assert (row["p_alive"], row["clv"], row["value_at_stake"], row["quadrant"]) == (None, None, None, None)
    assert row["silent_from"].date() == date(1998, 4, 30)
    assert row["parties"] == [row["party"]]


async def test_a_run_counts_which_items_are_bought_together_by_customers_and_not_by_their_identifiers(
    scored: Scored,
) -> None:
    def basket(customer: str, order: str, *skus: str) -> dict[str, Any]:
        price = {"amount": "1.00", "currency": "USD"}
        lines = [{"sku": sku, "quantity": 1, "unit_price": price} for sku in skus]
        return bought(customer, date(1998, 3, 1), order=order, lines=lines)

    baskets = [basket(f"c-{number}", f"o-{number}", "tea", "cup") for number in range(5)]
    others = [basket(f"d-{number}", f"p-{number}", "pot") for number in range(3)]
    again = basket("known-too", "o-0", "pot", "cup")
    later = {**again, "id": "again", "time": "1998-03-02T12:00:00Z"}
    await scored.see([*baskets, *others, later, linked("c-0", "known-too")])
    await scored.run(Wanted(TODAY))
    rules = await scored.rows("select * from live.associations order by sku")
    counts = {"together": 5, "with_item": 5, "with_then": 5, "baskets": 8}
    assert [{name: each[name] for name in counts} for each in rules] == [counts, counts]
    assert [(each["sku"], each["then_sku"]) for each in rules] == [("cup", "tea"), ("tea", "cup")]


async def test_a_run_as_of_tomorrow_is_refused_with_the_time(scored: Scored) -> None:
    with pytest.raises(ScoringRefusedError, match="what has not happened: it is 1998-07-01"):
        await scored.run(Wanted(NOW + timedelta(days=1)))
    with pytest.raises(ScoringRefusedError, match="look back from an earlier day"):
        await scored.run(Wanted(TODAY, TODAY, 39))


async def test_amounts_without_a_rate_are_told_and_count_as_days(scored: Scored) -> None:
    await scored.see(
        [
            bought("a", date(1998, 6, 1), "10"),
            bought("a", date(1998, 6, 2), "99", currency="THB"),
            bought("b", date(1998, 6, 2), "3", currency="EUR"),
        ]
    )
    run = await scored.run(Wanted(TODAY), DOLLARS._replace(rates={"EUR": Decimal("1.1")}))
    assert "1 customers bought in THB" in notes(run)
    rows = {row["monetary"]: (row["purchase_days"], row["currency_mixed"]) for row in await scored.rows()}
    assert rows == {Decimal(10): (2, True), Decimal("3.3"): (1, False)}


async def test_late_events_and_merges_change_the_next_run_and_what_it_says_of_the_same_time(
    scored: Scored,
) -> None:
    original, late = [date(1998, 3, day) for day in (1, 11, 21, 31)], date(1998, 3, 16)
    await scored.see([*(bought("a", day) for day in original), bought("b", date(1998, 3, 21), order="o-b")])
    await scored.run(Wanted(TODAY))
    before = {row["x"]: row["usual_gap_days"] for row in await scored.rows()}
    assert before == {3: 10.0, 0: None}
    await scored.see(
        [
            bought("a", late),
            linked("a", "b"),
            bought("b", date(1998, 3, 26)),
            # an order of a again, of an earlier time: that word counts
            bought("b", original[0], "70", order=f"a/{original[1]}") | {"id": "said-before"},
            refunded("b", f"a/{original[3]}", "10", date(1998, 6, 15)),
        ]
    )
    await scored.run(Wanted(TODAY))
    [row] = await scored.rows()
    assert len(row["parties"]) == 2
    assert (
        row["purchase_days"] == 4
    )  # 1, 16, 21, 26: the order of the 11th was of the 1st, the 31st's was given back
    assert row["usual_gap_days"] == 5
    assert row["monetary"] == Decimal(120)
    await scored.run(Wanted(datetime(1998, 6, 1, tzinfo=UTC)))
    [row] = await scored.rows()
    assert row["purchase_days"] == 5
    assert row["last_purchase"] == date(1998, 3, 31)


async def test_consent_to_profiling_is_kept_with_the_row(scored: Scored) -> None:
    def allowed(customer: str, number: int, granted: bool, channel: str | None = None) -> dict[str, Any]:  # noqa: FBT001
        return event(
            "consent.changed", f"consent-{customer}-{number}", datetime(1998, 1, number, tzinfo=UTC),
            customer=named(customer), purpose="profiling", granted=granted, evidence="form", channel=channel,
        )  # fmt: skip

    await scored.see(
        [
            *(bought(each, date(1998, 6, 1), f"{number}") for number, each in enumerate("abcd", start=1)),
            allowed("a", 1, granted=True),
            *(allowed("b", 1, granted=True), allowed("b", 2, granted=False)),
            *(allowed("c", 1, granted=False), allowed("c", 2, granted=True, channel="email")),
        ]
    )
    await scored.run(Wanted(TODAY))
    rows = await scored.rows("select profiled from live.scores order by monetary")
    assert [row["profiled"] for row in rows] == [True, False, True, False]


async def test_two_runs_are_never_made_at_once(scored: Scored, connection: asyncpg.Connection) -> None:
    await connection.fetchval("select pg_advisory_lock($1)", _LOCK)
    with pytest.raises(ScoringBusyError, match="another scoring run is at work"):
        await scored.run(Wanted(TODAY))
    await connection.fetchval("select pg_advisory_unlock($1)", _LOCK)
    await scored.run(Wanted(TODAY))


async def test_a_run_that_is_not_recorded_shows_no_rows(scored: Scored) -> None:
    await scored.see([bought("a", TODAY)])
    await scored.run(Wanted(TODAY))
    before = await scored.rows()
    scored.log.go_away()
    with pytest.raises(ScoringFailedError, match="did not confirm"):
        await scored.run(Wanted(date(1998, 6, 29)))
    assert await scored.rows() == before
    scored.log.come_back()
    await scored.run(Wanted(date(1998, 6, 29)))
    assert await scored.rows() == []  # nobody was known on the day before


async def test_an_erased_customer_leaves_every_run_that_is_kept(
    scored: Scored, connection: asyncpg.Connection
) -> None:
    await scored.see([bought("a", TODAY), bought("b", TODAY)])
    for _ in range(2):
        await scored.run(Wanted(TODAY))
    party = (await scored.rows())[0]["party"]
    opener = Opener(NoKeys(), Metrics(CollectorRegistry()).personal_data)
    lines = [
        json.loads(each) async for each in export_customer(connection, opener, READ_MODELS, decode, party)
    ]
    [told] = [each for each in lines if each["kind"] == "scores"]
    assert (told["party"], told["purchase_days"]) == (party, 1)
    assert await forget_scores(connection, [party]) == 2
    assert party not in [row["party"] for row in await scored.rows()]


async def test_the_schedule_makes_a_run_when_the_latest_is_old_enough(scored: Scored) -> None:
    stop, made = asyncio.Event(), 0

    async def run() -> Ended:
        nonlocal made
        made += 1
        found = await scored.run(Wanted(TODAY))
        await scored.catch_up()
        if made > 1:
            stop.set()
        return Ended(found.run_id, found.customers)

    now = NOW
    metrics = Metrics(CollectorRegistry()).scoring
    schedule = ScoringSchedule(scored.url, 24, run, metrics, lambda: now)
    following = asyncio.create_task(schedule.follow(stop, look_seconds=0.01))
    async with asyncio.timeout(30):
        while not made or metrics.run_timestamp_seconds._value.get() != NOW.timestamp():
            await asyncio.sleep(0.01)
        assert made == 1
        now = NOW + timedelta(hours=24)
        await following
    assert metrics.runs.labels("completed")._value.get() >= 1


async def test_a_stop_gives_up_the_run_under_way(scored: Scored) -> None:
    stop, begun, cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def run() -> Ended:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    schedule = ScoringSchedule(scored.url, 24, run, Metrics(CollectorRegistry()).scoring, lambda: NOW)
    following = asyncio.create_task(schedule.follow(stop, look_seconds=0.01))
    async with asyncio.timeout(10):
        await begun.wait()
        stop.set()
        await following
    assert cancelled.is_set()
