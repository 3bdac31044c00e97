"""What may a customer like next? From what they bought, by the rules that the latest scoring run found."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, Final, NamedTuple

VIEWS: Final = ("purchases", "refunds", "bought_items")
"""What they are read from, beside the views of identity and what a run made."""
LATEST_ORDERS: Final = 200
_LATEST_ITEMS: Final = 50
_RULES_OF_ITEM: Final = 50
MOST: Final = 50


class Association(NamedTuple):
    """Of `baskets`, `with_item` hold an item that was bought, `with_then` another one, and `together` both."""

    sku: str
    then_sku: str
    together: int
    with_item: int
    with_then: int
    baskets: int

    @property
    def confidence(self) -> Fraction:
        """Of the baskets with the one, the share that have the other too."""
        return Fraction(self.together, self.with_item)

    @property
    def lift(self) -> Fraction:
        """How many times as often both meet as they would by chance."""
        return Fraction(self.baskets * self.together, self.with_item * self.with_then)


class Bought(NamedTuple):
    """The latest purchase of an item."""

    order_id: str
    time: datetime


class Recommendation(NamedTuple):
    """An item, the rule it comes from, and the purchase that the rule applies to."""

    rule: Association
    because: Bought


def recommended(rules: Iterable[Association], bought: dict[str, Bought], most: int) -> list[Recommendation]:
    """The best rule to each item, by confidence, lift and SKU. Compared as fractions, so that nothing is rounded.

    Where two rules to one item are equally good, the one from the item bought later counts.
    """
    best: dict[str, tuple[Fraction, Fraction, datetime, str, Association]] = {}
    for rule in rules:
        rank = (rule.confidence, rule.lift, bought[rule.sku].time, rule.sku, rule)
        before = best.get(rule.then_sku)
        if before is None or rank > before:
            best[rule.then_sku] = rank
    ordered = sorted(best.values(), key=lambda each: (-each[0], -each[1], each[4].then_sku))
    return [Recommendation(rule, bought[rule.sku]) for *_, rule in ordered[:most]]


async def run_made_associations(connection: Any) -> bool:
    """Whether a scoring run has looked for rules yet. Raises asyncpg's errors."""
    found: bool = await connection.fetchval("select to_regclass('live.associations') is not null")
    return found


async def recommendations(connection: Any, parties: Sequence[str], most: int) -> list[Recommendation]:
    """What some parties, who are one customer, may like and never bought: at most `most`, best first.

    From the 50 items bought last in the latest 200 orders, those given back wholly left out. After
    `run_made_associations`, in a transaction of the caller's. Two statements, whose cost does not grow with the orders.
    Raises asyncpg's errors.
    """
    # Planning for these very parties would take longer than the rest.
    await connection.execute("set local plan_cache_mode = force_generic_plan")
    bought = {
        row["sku"]: Bought(row["order_id"], row["time"])
        for row in await connection.fetch(_BOUGHT, list(parties))
    }
    if not bought:
        return []
    found = await connection.fetch(_RULES, list(bought), list(parties))
    return recommended((Association(*row) for row in found), bought, most)


_BOUGHT = f"""
with latest as (
    select near.* from unnest($1::text[]) own (party), lateral (
        select order_id, time, event_id, total, currency, skus from live.purchases
        where live.purchases.party = own.party order by time desc limit {LATEST_ORDERS}
    ) near order by near.time desc limit {LATEST_ORDERS}
), orders as (
    select distinct on (order_id) order_id, time, total, currency, skus from latest
    order by order_id, time, event_id collate "C"
), given_back as (
    select order_id, currency, sum(amount) as amount from (
        select distinct on (order_id, refund_id) order_id, currency, amount from live.refunds
        where party = any($1::text[]) and order_id = any(array(select order_id from orders))
        order by order_id, refund_id, time, event_id collate "C"
    ) words group by 1, 2
)
select sku, order_id, time from (
    select distinct on (item.sku) item.sku, order_id, time
    from orders left join given_back using (order_id, currency), jsonb_array_elements_text(skus) item (sku)
    where skus is not null and (total = 0 or coalesce(amount, 0) < total)
    order by item.sku, time desc, order_id
) items order by time desc, sku collate "C" limit {_LATEST_ITEMS}
"""  # noqa: S608 - fixed numbers
_RULES = f"""
select sku, then_sku, together, with_item, with_then, baskets
from live.associations rule
where sku = any($1::text[]) and place <= {_RULES_OF_ITEM} and not exists (
    select from live.bought_items own where own.party = any($2::text[]) and own.sku = rule.then_sku
)
"""  # noqa: S608 - a fixed number
