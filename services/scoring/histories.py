"""The purchase days of everybody, as of two times at once: a row a customer and day, sorted, in numpy arrays."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import asyncpg
import numpy as np
from numpy.typing import NDArray

from services.projections.analytics.customer_arrays import AMOUNT_UNITS, MOST_AMOUNT, Days
from services.scoring.binary_copy import INT2, INT4, INT8, columns_of

_FIELDS: Final = {"customer": INT4, "day": INT4, "standing": INT2, "net": INT8, "mixed": INT2}


class Histories(NamedTuple):
    """The purchase days as of the run's time and as of the backtest's.

    `mixed` says of each customer number whether something was bought in a currency without a rate.
    """

    now: Days
    then: Days
    mixed: NDArray[np.bool_]


class Asked(NamedTuple):
    """Which days: of what was known at `as_of` and at `then`, in a zone, in a base currency, with rates to it."""

    as_of: datetime
    then: datetime
    zone: str
    base_currency: str
    rates: Mapping[str, Decimal]


async def make_orders(connection: asyncpg.Connection, asked: Asked) -> None:
    """Fills the temporary table `run_orders`: the first word on every order of a customer, and what was refunded of it.

    Needs `run_parties` in the same transaction. Raises asyncpg's errors.
    """
    await connection.execute(_TABLES)
    await connection.execute(_REFUNDED, asked.as_of, asked.then)
    await connection.execute("analyze run_refunded")
    await connection.execute(_ORDERS, asked.as_of, asked.then, asked.zone)
    await connection.execute("analyze run_orders")


async def read_histories(connection: asyncpg.Connection, asked: Asked, customers: int) -> Histories:
    """The purchase days of all customers, of whom there are so many numbers. Needs `run_orders`.

    About 40 bytes a day. Raises asyncpg's errors.
    """
    rates = {asked.base_currency: Decimal(1), **asked.rates}
    await connection.executemany("insert into run_rates values ($1, $2)", list(rates.items()))
    now = await columns_of(connection, _days("stands"), _FIELDS)
    then = await columns_of(connection, _days("stood"), _FIELDS)
    mixed = np.zeros(customers, np.bool_)
    mixed[now["customer"][now["mixed"] > 0]] = True
    return Histories(_sorted(now), _sorted(then), mixed)


def _sorted(found: Mapping[str, NDArray[Any]]) -> Days:
    order = np.lexsort((found["day"], found["customer"]))
    return Days(found["customer"][order], found["day"][order], found["net"][order])


_TABLES: Final = """
create temporary table run_rates (currency text primary key, rate numeric not null);
create temporary table run_refunded (
    customer integer not null, order_id text not null, currency text not null,
    now numeric not null, then_ numeric not null
);
create temporary table run_orders (
    customer integer not null, order_id text not null, day integer not null, currency text not null,
    stands boolean not null, stood boolean not null, net numeric not null, net_then numeric not null,
    with_coupon boolean not null, categories jsonb
);
"""
_REFUNDED: Final = """
insert into run_refunded
select customer, order_id, currency, sum(amount), coalesce(sum(amount) filter (where time <= $2::timestamptz), 0)
from (
    select distinct on (parties.customer, given.order_id, given.refund_id)
        parties.customer, given.order_id, given.currency, given.amount, given.time
    from live.refunds given join run_parties parties using (party)
    where given.time <= $1::timestamptz
    order by parties.customer, given.order_id, given.refund_id, given.time, given.event_id collate "C"
) refund
group by customer, order_id, currency
"""
_ORDERS: Final = """
insert into run_orders
select first.customer, first.order_id, (first.time at time zone $3::text)::date - date '1970-01-01', first.currency,
    not (first.total > 0 and coalesce(refunded.now, 0) >= first.total),
    first.time <= $2::timestamptz and not (first.total > 0 and coalesce(refunded.then_, 0) >= first.total),
    first.total - coalesce(refunded.now, 0), first.total - coalesce(refunded.then_, 0),
    coalesce(jsonb_array_length(first.coupons), 0) > 0, first.categories
from (
    select distinct on (parties.customer, bought.order_id)
        parties.customer, bought.order_id, bought.time, bought.total, bought.currency, bought.coupons,
        bought.categories
    from live.purchases bought join run_parties parties using (party)
    where bought.time <= $1::timestamptz
    order by parties.customer, bought.order_id, bought.time, bought.event_id collate "C"
) first
left join run_refunded refunded using (customer, order_id, currency)
"""


def _days(standing: str) -> str:
    """SQL for the days with an order that counts; amounts are rounded once a day and currency."""
    net = "net" if standing == "stands" else "net_then"
    spent = bounded("round(amount * rate, 4)")
    return f"""
        select customer, day, 1::smallint,
            (coalesce(sum({spent}) filter (where rate is not null), 0) * {AMOUNT_UNITS})::bigint,
            max((rate is null)::integer)::smallint
        from (
            select customer, day, currency, sum({net}) as amount from run_orders where {standing}
            group by customer, day, currency
        ) spent left join run_rates using (currency)
        group by customer, day
    """  # noqa: S608 - names in the code


def bounded(amount: str) -> str:
    """SQL for an amount, not null, of which no more counts than may."""
    return f"least(greatest({amount}, -{MOST_AMOUNT}), {MOST_AMOUNT})"
