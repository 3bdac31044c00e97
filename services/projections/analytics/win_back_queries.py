"""Whom a campaign reached, who of them and of the control was lapsed before, and what they bought since."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from msgspec import json

from services.projections.analytics.customers_of import Customers, customers_of
from services.projections.analytics.inputs import VIEWS as INPUT_VIEWS
from services.projections.analytics.inputs import inputs_of
from services.projections.analytics.score import scores_of_each
from services.projections.analytics.terms import Terms, terms_of
from services.projections.analytics.too_large import REPORT_SECONDS, ReportTooLargeError
from services.projections.analytics.win_back import LAST_IN_CONTROL, Arm, Outcome, in_control
from shared.events.analytics import AnalyticsRunCompleted

VIEWS: Final = (*INPUT_VIEWS, "outreaches")
"""What it is read from, beside the rows of scores."""
MOST_CONTACTED: Final = 20_000
MOST_CONTROL: Final = 5_000
"""The control is a sample already; of more, those of the least hashes are as good a sample."""
_AT_ONCE: Final = 500


class NoRunError(Exception):
    """No scoring run says who was lapsed before the campaign."""


class Asked(NamedTuple):
    """A campaign, for how long after a contact a purchase counts, the run that says who was lapsed, and now."""

    campaign: str
    within: timedelta
    run_id: str | None
    now: datetime


class WinBackRead(NamedTuple):
    """A campaign's outcomes. `not_lapsed` were contacted and not lapsed, `control_contacted` are of the control."""

    run_id: str
    run_as_of: datetime
    terms: Terms
    began: datetime
    contacts: int
    contacted: Arm
    control: Arm
    control_from: datetime
    not_lapsed: int
    control_contacted: int
    currency_mixed: bool


class _Run(NamedTuple):
    run_id: str
    as_of: datetime
    terms: Terms


class _Reached(NamedTuple):
    """When a customer was contacted first, and how often."""

    first: datetime
    contacts: int


async def win_back_of(connection: Any, asked: Asked) -> WinBackRead | None:
    """What a campaign came to, None where it reached nobody.

    Reads in the snapshot of the caller's transaction. Cost grows with the customers contacted, of whom it takes 20,000,
    and a pass over all customers for the control. Raises `NoRunError`, `ReportTooLargeError` and asyncpg's errors.
    """
    found = await connection.fetch(
        _OUTREACHES, asked.campaign, asked.now, MOST_CONTACTED + 1, timeout=REPORT_SECONDS
    )
    if not found:
        return None
    if len(found) > MOST_CONTACTED:
        raise ReportTooLargeError(f"the campaign contacted more than {MOST_CONTACTED:,} customers")
    began = min(row["first"] for row in found)
    run = await _run(connection, asked, began)
    candidates = await _candidates(connection, asked.campaign)
    customers = await customers_of(connection, [*(row["party"] for row in found), *candidates])
    reached = _reached(found, customers)
    named = {customers.of(party) for party in candidates}
    control = sorted(each for each in named if each not in reached and in_control(each, asked.campaign))
    against_control = {each for each in reached if in_control(each, asked.campaign)}
    contacted = [each for each in reached if each not in against_control]
    lapsed = await _lapsed(connection, [*contacted, *control], customers, run)
    times = {each: reached[each].first for each in contacted if each in lapsed}
    control_from = sorted(times.values())[(len(times) - 1) // 2] if times else began
    waits = {each: control_from for each in control if each in lapsed}
    outcomes, mixed = await _outcomes(connection, {**times, **waits}, customers, asked, run.terms)
    return WinBackRead(
        run_id=run.run_id,
        run_as_of=run.as_of,
        terms=run.terms,
        began=began,
        contacts=sum(reached[each].contacts for each in times),
        contacted=Arm.of([outcomes[each] for each in times]),
        control=Arm.of([outcomes[each] for each in waits]),
        control_from=control_from,
        not_lapsed=len(contacted) - len(times),
        control_contacted=len(against_control),
        currency_mixed=mixed,
    )


def _reached(found: Sequence[Any], customers: Customers) -> dict[str, _Reached]:
    reached: dict[str, _Reached] = {}
    for row in found:
        customer = customers.of(row["party"])
        before = reached.get(customer, _Reached(row["first"], 0))
        reached[customer] = _Reached(min(before.first, row["first"]), before.contacts + row["contacts"])
    return reached


async def _run(connection: Any, asked: Asked, began: datetime) -> _Run:
    row = await connection.fetchrow(_RUN, asked.run_id, began)
    if row is None:
        raise NoRunError(
            f"there is no scoring run {asked.run_id!r}"
            if asked.run_id
            else "no scoring run is of a time before this campaign began, so nobody knows who was lapsed then"
        )
    return _Run(row["run_id"], row["as_of"], terms_of(json.decode(row["run"], type=AnalyticsRunCompleted)))


async def _candidates(connection: Any, campaign: str) -> list[str]:
    """Parties of customers who may be in the control, from the rows of scores; none before the first run."""
    if not await connection.fetchval("select to_regclass('live.scores') is not null"):
        return []
    last = LAST_IN_CONTROL.to_bytes(8)
    found = await connection.fetch(_CONTROL, campaign.encode(), last, MOST_CONTROL, timeout=REPORT_SECONDS)
    return [row["party"] for row in found]


async def _lapsed(connection: Any, whom: Sequence[str], customers: Customers, run: _Run) -> set[str]:
    """Those of some customers who were lapsed at the run's time, under its parameters."""
    lapsed: set[str] = set()
    for start in range(0, len(whom), _AT_ONCE):
        some = whom[start : start + _AT_ONCE]
        components = [customers.parties(each) for each in some]
        inputs = await inputs_of(connection, components, run.as_of, run.terms.zone)
        scores = await asyncio.to_thread(scores_of_each, inputs, run.terms, run.as_of)
        lapsed.update(each for each, score in zip(some, scores, strict=True) if score.lifecycle == "lapsed")
    return lapsed


async def _outcomes(
    connection: Any, times: Mapping[str, datetime], customers: Customers, asked: Asked, terms: Terms
) -> tuple[dict[str, Outcome], bool]:
    """What each customer did after their time, and whether something was paid in a currency without a rate."""
    whom = list(times)
    outcomes = {each: Outcome(is_open=times[each] + asked.within > asked.now) for each in whom}
    rates = {**terms.rates, terms.base_currency: Decimal(1)}
    mixed = False
    places = [place for place, each in enumerate(whom) for _ in customers.parties(each)]
    parties = [party for each in whom for party in customers.parties(each)]
    since = [times[whom[place]] for place in places]
    until = [min(time + asked.within, asked.now) for time in since]
    for row in await connection.fetch(
        _BOUGHT, places, parties, since, until, asked.now, timeout=REPORT_SECONDS
    ):
        customer, rate = whom[row["place"]], rates.get(row["currency"])
        before = outcomes[customer]._replace(returned=True)
        if rate is None:
            mixed = True
            outcomes[customer] = before
        else:
            outcomes[customer] = before._replace(
                net=before.net + row["net"] * rate, discounts=before.discounts + row["discounts"] * rate
            )
    return outcomes, mixed


_OUTREACHES: Final = """
select party, min(time) as first, count(*) as contacts from live.outreaches
where campaign = $1 and time <= $2::timestamptz group by party order by party limit $3
"""
_RUN: Final = """
select run_id, as_of, run from live.analytics_runs
where case when $1::text is null then as_of <= $2::timestamptz else run_id = $1 end
order by as_of desc, run_id desc limit 1
"""
_CONTROL: Final = """
select party from (
    select party, substr(sha256(convert_to(party, 'UTF8') || '\\x00'::bytea || $1::bytea), 1, 8) as hash
    from live.scores where purchase_days > 0
) hashed where hash <= $2::bytea order by hash, party limit $3
"""
_BOUGHT: Final = """
with given as materialized (
    select * from unnest($1::integer[], $2::text[], $3::timestamptz[], $4::timestamptz[])
        as given (place, party, since, until)
), refunded as materialized (
    select place, order_id, currency, sum(amount) as amount from (
        select distinct on (given.place, refund.order_id, refund.refund_id)
            given.place, refund.order_id, refund.currency, refund.amount
        from given join live.refunds refund using (party) where refund.time <= $5::timestamptz
        order by given.place, refund.order_id, refund.refund_id, refund.time, refund.event_id collate "C"
    ) words group by place, order_id, currency
), orders as (
    select distinct on (given.place, purchase.order_id) given.place, given.since, given.until, purchase.order_id,
        purchase.time, purchase.total, purchase.currency, purchase.list_total
    from given join live.purchases purchase using (party) where purchase.time <= $5::timestamptz
    order by given.place, purchase.order_id, purchase.time, purchase.event_id collate "C"
)
select place, currency, sum(total - coalesce(refunded.amount, 0)) as net,
    sum(greatest(coalesce(list_total - total, 0), 0)) as discounts
from orders left join refunded using (place, order_id, currency)
where time > since and time <= until and not (total > 0 and coalesce(refunded.amount, 0) >= total)
group by place, currency
"""
