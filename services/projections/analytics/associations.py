"""Which items are bought together more often than chance would have it?

Counted by a scoring run over everybody's baskets, because how often two items meet cannot be told of a popular one in
the time of a request. A rule leads from one item to another; it is kept where both met in five baskets or more, and its
lift is over 1: N x together > with_item x with_then. All counts are whole numbers, and nothing is divided.
"""

from datetime import datetime
from typing import Any, Final

MOST_SKUS: Final = 50
"""A larger basket says nothing about taste: a restaurant's weekly order, a kiosk's."""
LEAST_TOGETHER: Final = 5
MOST_RULES: Final = 100
"""Rules from one item that are kept, by confidence, then lift, then SKU."""
TABLE: Final = "associations"


async def make_associations(connection: Any, schema: str, as_of: datetime, customers: str) -> int:
    """Makes, fills and indexes the table `associations` in a schema, and answers how many rules it holds.

    `customers` is the name of a table (party, customer) of all parties who bought. A basket is an order by the first
    word on it until `as_of`, unless all of it was given back by then. Names come from the code, never from input. In a
    transaction of the caller's. Cost grows with the items bought, and with the pairs in each basket. Raises asyncpg's
    errors.
    """
    table = f"{schema}.{TABLE}"
    await connection.execute(_MADE.format(table=table))
    if await connection.fetchval(_ANY_ITEM):
        await connection.execute(_FILLED.format(table=table, customers=customers), as_of)
    await connection.execute(f"alter table {table} add primary key (sku, place)")
    await connection.execute(f"analyze {table}")
    found: int = await connection.fetchval(f"select count(*) from {table}")  # noqa: S608 - names in the code
    return found


_MADE = """
create table {table} (
    sku text not null, place integer not null, then_sku text not null, together bigint not null,
    with_item bigint not null, with_then bigint not null, baskets bigint not null
)
"""
_ANY_ITEM = "select exists (select from live.purchases where skus is not null)"
"""Where tills send no lines there is nothing to sort the orders of everybody for."""
_FILLED = f"""
with orders as materialized (
    select distinct on (named.customer, bought.order_id)
        named.customer, bought.order_id, bought.total, bought.currency, bought.skus
    from live.purchases bought join {{customers}} named using (party)
    where bought.time <= $1::timestamptz
    order by named.customer, bought.order_id, bought.time, bought.event_id collate "C"
), given_back as materialized (
    select customer, order_id, currency, sum(amount) as amount from (
        select distinct on (named.customer, given.order_id, given.refund_id)
            named.customer, given.order_id, given.currency, given.amount
        from live.refunds given join {{customers}} named using (party)
        where given.time <= $1::timestamptz
        order by named.customer, given.order_id, given.refund_id, given.time, given.event_id collate "C"
    ) words group by customer, order_id, currency
), baskets as materialized (
    select row_number() over () as basket, orders.skus
    from orders left join given_back using (customer, order_id, currency)
    where orders.skus is not null and jsonb_array_length(orders.skus) <= {MOST_SKUS}
        and (orders.total = 0 or coalesce(given_back.amount, 0) < orders.total)
), items as materialized (
    select basket, item.sku from baskets, jsonb_array_elements_text(skus) item (sku)
), counted as materialized (
    select sku, row_number() over () as number, count(*) as baskets
    from items group by sku having count(*) >= {LEAST_TOGETHER}
), kept as materialized (
    select items.basket, counted.number from items join counted using (sku)
), pairs as materialized (
    select one.number as one, other.number as other, count(*) as together
    from kept one join kept other on other.basket = one.basket and other.number > one.number
    group by 1, 2 having count(*) >= {LEAST_TOGETHER}
), both_ways as (
    select one, other, together from pairs union all select other, one, together from pairs
), rules as (
    select item.sku, goes.sku as then_sku, both_ways.together, item.baskets as with_item, goes.baskets as with_then,
        (select count(*) from baskets) as baskets
    from both_ways join counted item on item.number = one join counted goes on goes.number = other
), placed as (
    select *, row_number() over (
        partition by sku order by together desc, with_then, then_sku collate "C"
    ) as place
    from rules where baskets::numeric * together > with_item::numeric * with_then
)
insert into {{table}} select sku, place, then_sku, together, with_item, with_then, baskets
from placed where place <= {MOST_RULES}
"""  # noqa: S608 - fixed numbers, and names in the code
"""Of one item the confidence, together / with_item, falls with `together`, and of one confidence the lift rises as the
other item is rarer."""
