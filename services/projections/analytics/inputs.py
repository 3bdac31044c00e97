"""All that a customer's scores are computed from, of many customers at once, as of a time: one statement."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from msgspec import json

from services.projections.analytics.purchase_days import DAYS, GIVEN, ORDERS, PurchaseDay
from services.projections.complaints.states import ACTIVE
from services.projections.identity.component import VIEWS as IDENTITY_VIEWS

VIEWS: Final = (
    *IDENTITY_VIEWS, "purchases", "refunds", "feedback", "complaints", "referrals", "endings", "consents",
    "analytics_runs",
)  # fmt: skip
"""What scores of customers, and who they are, are read from."""


class Satisfaction(NamedTuple):
    """The latest answer of the 12 months before: its score, or the mean of its dimensions for SERVQUAL."""

    instrument: str
    score: Decimal
    time: datetime


class CategorySpend(NamedTuple):
    """What was spent on a category in a currency, before refunds, and in how many orders."""

    category: str
    currency: str
    amount: Decimal
    orders: int


class ScoreInputs(NamedTuple):
    """What is known of a customer as of a time. `days` are in order.

    `complained` is whether a complaint of theirs was rejected or reopened, `has_open_complaint` whether one is open.
    """

    days: Sequence[PurchaseDay]
    orders: int
    orders_with_coupon: int
    categories: Sequence[CategorySpend]
    satisfaction: Satisfaction | None
    complained: bool
    has_open_complaint: bool
    referrals: int
    ended_on: date | None


async def inputs_of(
    connection: Any, components: Sequence[Sequence[str]], as_of: datetime, zone: str
) -> list[ScoreInputs]:
    """The inputs of each customer, given by their parties, from events up to `as_of`. One statement.

    To be asked in a transaction. Meant for up to some 200 customers at once; cost grows with their orders. Raises
    asyncpg's errors.
    """
    places = [place for place, parties in enumerate(components) for _ in parties]
    parties = [party for each in components for party in each]
    # Planning for these very customers would take longer than reading what they did, and come to the same plan.
    await connection.execute("set local plan_cache_mode = force_generic_plan")
    rows = await connection.fetch(_INPUTS, places, parties, as_of, zone, sorted(ACTIVE))
    await connection.execute("set local plan_cache_mode = auto")
    said: list[dict[str, list[Any]]] = [{} for _ in components]
    for row in rows:
        told = row["said"]
        said[row["place"]].setdefault(row["what"], []).append(None if told is None else json.decode(told))
    return [_inputs(each) for each in said]


def _inputs(said: Mapping[str, list[Any]]) -> ScoreInputs:
    [(orders, with_coupon)] = said.get("coupons", [(0, 0)])
    answers = [
        Satisfaction(instrument, Decimal(score), datetime.fromisoformat(time))
        for instrument, score, time in said.get("answer", ())
    ]
    return ScoreInputs(
        days=_days(said.get("day", ())),
        orders=orders,
        orders_with_coupon=with_coupon,
        categories=[
            CategorySpend(name, currency, Decimal(amount), count)
            for name, currency, amount, count in said.get("category", ())
        ],
        satisfaction=answers[0] if answers else None,
        complained="complained" in said,
        has_open_complaint="complains" in said,
        referrals=sum(said.get("referrals", ())),
        ended_on=max((date.fromisoformat(each) for each in said.get("ended", ())), default=None),
    )


def _days(rows: Sequence[Any]) -> list[PurchaseDay]:
    days: dict[str, tuple[int, dict[str, Decimal]]] = {}
    for day, currency, orders, net in rows:
        before, amounts = days.get(day, (0, {}))
        amounts[currency] = Decimal(net)
        days[day] = before + orders, amounts
    return [PurchaseDay(date.fromisoformat(day), *days[day]) for day in sorted(days)]


_FACTS: Final = """
select place, 'coupons' as what, json_build_array(
    count(*), count(*) filter (where coalesce(jsonb_array_length(coupons), 0) > 0)
) from orders group by place
union all
select place, 'category', json_build_array(key, currency, sum(value::numeric)::text, count(*))
from orders, jsonb_each_text(categories) group by place, key, currency
union all
select place, 'answer', json_build_array(instrument, score::text, time) from (
    select distinct on (given.place) given.place, answer.instrument, answer.time,
        coalesce(answer.score, (select avg(value::numeric) from jsonb_each_text(answer.scores))) as score
    from given join live.feedback answer using (party)
    where answer.time <= $3::timestamptz and answer.time > $3::timestamptz - interval '12 months'
        and answer.instrument in ('nps', 'csat', 'servqual') and (answer.score is not null or answer.scores is not null)
    order by given.place, answer.time desc, answer.event_id collate "C" desc
) latest
union all
select given.place, 'complains', null::json
from given join live.complaints opened on opened.party_id = given.party
where opened.opened_at <= $3::timestamptz and (
    select entry.state_after from live.complaint_entries entry
    where entry.complaint_id = opened.complaint_id and entry.time <= $3::timestamptz and entry.state_after is not null
    order by entry.number desc limit 1
) = any($5::text[])
union all
select given.place, 'complained', null::json
from given join live.complaints opened on opened.party_id = given.party
join live.complaint_entries entry using (complaint_id)
where entry.anomaly is null and entry.time <= $3::timestamptz and (entry.type = 'complaint.reopened'
    or entry.type = 'complaint.resolved' and entry.facts ->> 'resolution' = 'rejected')
union all
select place, 'referrals', to_json(count(*)) from given join live.referrals made using (party)
where made.time <= $3::timestamptz group by place
union all
select place, 'ended', to_json(max((ending.time at time zone $4::text)::date))
from given join live.endings ending using (party) where ending.time <= $3::timestamptz group by place
"""
_INPUTS: Final = f"with {GIVEN}, {ORDERS} {DAYS} union all {_FACTS}"
