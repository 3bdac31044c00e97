"""On which days did customers buy, and for how much? From the first word on each order and refund, as of any time.

An order counts for its customer once, whichever of their identifiers it came with, and a refund for its order. An order
that was refunded whole is no purchase; one of nothing is. Days are those of one time zone.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple


class PurchaseDay(NamedTuple):
    """A day with orders: how many, and what they came to by currency, refunds taken off."""

    day: date
    orders: int
    net: Mapping[str, Decimal]


GIVEN: Final = (
    "given as materialized (select * from unnest($1::integer[], $2::text[]) as given (place, party))"
)
"""The customers that are asked for, as a CTE: each a `place`, with all of their parties."""

ORDERS: Final = """
refunded as materialized (
    select place, order_id, currency, sum(amount) as amount from (
        select distinct on (given.place, refund.order_id, refund.refund_id)
            given.place, refund.order_id, refund.currency, refund.amount
        from given join live.refunds refund using (party) where refund.time <= $3::timestamptz
        order by given.place, refund.order_id, refund.refund_id, refund.time, refund.event_id collate "C"
    ) refund group by place, order_id, currency
), orders as materialized (
    select place, (bought.time at time zone $4::text)::date as day, currency,
        total - coalesce(refunded.amount, 0) as net, coupons, categories
    from (
        select distinct on (given.place, purchase.order_id) given.place, purchase.order_id, purchase.time,
            purchase.total, purchase.currency, purchase.coupons, purchase.categories
        from given join live.purchases purchase using (party) where purchase.time <= $3::timestamptz
        order by given.place, purchase.order_id, purchase.time, purchase.event_id collate "C"
    ) bought left join refunded using (place, order_id, currency)
    where not (total > 0 and coalesce(refunded.amount, 0) >= total)
)
"""
"""CTEs after `GIVEN`, as of `$3` in the zone `$4`: `orders` that count, each with its day and what was not refunded."""

DAYS: Final = """
select place, 'day' as what, json_build_array(day, currency, count(*), sum(net)::text) as said
from orders group by place, day, currency
"""
"""A row a customer, day and currency."""
