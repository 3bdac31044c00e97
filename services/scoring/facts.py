"""What scores need beside purchase days: answers, complaints, referrals, endings, consents, coupons and categories."""

from typing import Any, Final

import asyncpg
import numpy as np
from numpy.typing import NDArray

from services.projections.analytics.customer_arrays import AMOUNT_UNITS, NEVER, CategorySpend, Facts
from services.scoring.binary_copy import FLOAT8, INT2, INT4, INT8, Columns, columns_of
from services.scoring.histories import Asked, bounded


async def read_facts(
    connection: asyncpg.Connection, asked: Asked, customers: int, mixed: NDArray[np.bool_]
) -> Facts:
    """The facts of all customers, of whom there are so many numbers, as of the run's time; consents as they are now.

    Needs `run_parties`, `run_customers` and `run_orders` in the same transaction. Raises asyncpg's errors.
    """

    async def found(query: str, fields: dict[str, str], *arguments: Any) -> Columns:
        return await columns_of(connection, query, {"customer": INT4, **fields}, *arguments)

    def flags(columns: Columns) -> NDArray[np.bool_]:
        return _spread(columns["customer"], np.True_, customers, np.bool_)

    answers = await found(_ANSWERS, {"instrument": INT2, "answer": FLOAT8}, asked.as_of)
    ended = await found(_ENDED, {"day": INT4}, asked.as_of, asked.zone)
    bought = await found(_COUPONS, {"orders": INT4, "with_coupon": INT4})
    return Facts(
        _spread(answers["customer"], answers["instrument"], customers, np.int8, -1),
        _spread(answers["customer"], answers["answer"], customers, np.float64, np.nan),
        flags(await found(_COMPLAINS, {}, asked.as_of)),
        flags(await found(_COMPLAINED, {}, asked.as_of)),
        flags(await found(_REFERRED, {}, asked.as_of)),
        _spread(ended["customer"], ended["day"], customers, np.int32, NEVER),
        flags(await found(_PROFILED, {})),
        _spread(bought["customer"], bought["orders"], customers, np.int32),
        _spread(bought["customer"], bought["with_coupon"], customers, np.int32),
        mixed,
    )


async def read_category_spend(connection: asyncpg.Connection) -> CategorySpend:
    """What every customer spent on each category, in orders that were not wholly refunded, in the base currency.

    Amounts without a rate count as nothing. Needs `run_orders` and `run_rates`. Raises asyncpg's errors.
    """
    await connection.execute(_CATEGORIES)
    names = [
        row["name"] for row in await connection.fetch("select name from run_categories order by category")
    ]
    fields = {"customer": INT4, "category": INT4, "spend": INT8, "orders": INT4}
    found = await columns_of(connection, _CATEGORY_SPEND, fields)
    order = np.lexsort((found["category"], found["customer"]))
    customer, category, spend, orders = (found[name][order] for name in fields)
    return CategorySpend(customer, category, spend, orders, names)


def _spread(at: NDArray[Any], values: Any, customers: int, of: Any, nothing: Any = 0) -> NDArray[Any]:
    spread = np.full(customers, nothing, of)
    spread[at] = values
    return spread


_ANSWERS: Final = """
select distinct on (parties.customer) parties.customer,
    (array_position(array['nps', 'csat', 'servqual'], given.instrument) - 1)::smallint,
    coalesce(given.score, (select avg(value::numeric) from jsonb_each_text(given.scores)))::float8
from live.feedback given join run_parties parties using (party)
where given.time <= $1::timestamptz and given.time > $1::timestamptz - interval '12 months'
    and given.instrument in ('nps', 'csat', 'servqual')
    and (given.score is not null or given.scores is not null)
order by parties.customer, given.time desc, given.event_id collate "C" desc
"""
_COMPLAINS: Final = """
select distinct parties.customer
from live.complaints of_case join run_parties parties on parties.party = of_case.party_id
where of_case.opened_at <= $1::timestamptz and (
    select entry.state_after from live.complaint_entries entry
    where entry.complaint_id = of_case.complaint_id and entry.time <= $1::timestamptz
        and entry.state_after is not null
    order by entry.number desc limit 1
) in ('open', 'acknowledged', 'in_progress', 'waiting_for_customer')
"""
_COMPLAINED: Final = """
select distinct parties.customer
from live.complaint_entries entry
join live.complaints of_case using (complaint_id)
join run_parties parties on parties.party = of_case.party_id
where entry.anomaly is null and entry.time <= $1::timestamptz and (entry.type = 'complaint.reopened'
    or entry.type = 'complaint.resolved' and entry.facts ->> 'resolution' = 'rejected')
"""
_REFERRED: Final = """
select distinct parties.customer from live.referrals given join run_parties parties using (party)
where given.time <= $1::timestamptz
"""
_ENDED: Final = """
select parties.customer, max((given.time at time zone $2::text)::date - date '1970-01-01')
from live.endings given join run_parties parties using (party)
where given.time <= $1::timestamptz group by parties.customer
"""
_COUPONS: Final = """
select customer, count(*)::integer, (count(*) filter (where with_coupon))::integer from run_orders where stands
group by customer
"""
_PROFILED: Final = """
with said as (
    select distinct on (parties.customer, word.channel) parties.customer, word.channel, word.granted, word.time,
        word.event_id
    from live.consents word join run_parties parties using (party)
    where word.purpose = 'profiling'
    order by parties.customer, word.channel, word.time desc, word.event_id collate "C" desc
)
select distinct one.customer
from said one left join said everywhere on everywhere.customer = one.customer and everywhere.channel = ''
where one.granted and (one.channel = '' or everywhere.customer is null
    or (one.time, one.event_id collate "C") > (everywhere.time, everywhere.event_id collate "C"))
"""
"""Allowed in general, or on a channel by a word that came after the general one: as `is_granted_anywhere` says."""
_CATEGORIES: Final = """
create temporary table run_spent as
select customer, order_id, key as name, value::numeric * rate as amount
from run_orders join run_rates using (currency), jsonb_each_text(categories) where stands;
create temporary table run_categories as
select name, (row_number() over (order by name collate "C"))::integer - 1 as category
from (select distinct name from run_spent) named;
analyze run_categories;
"""
_CATEGORY_SPEND: Final = f"""
select customer, category, ({bounded("round(sum(amount), 4)")} * {AMOUNT_UNITS})::bigint, count(*)::integer
from run_spent join run_categories using (name) group by customer, category
"""  # noqa: S608 - names in the code
