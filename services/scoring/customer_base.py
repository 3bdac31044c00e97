"""Everything a run reads, in one snapshot of the views."""

from typing import Final, NamedTuple

import asyncpg

from services.projections.analytics.customer_arrays import CategorySpend, Facts
from services.projections.identity.component import VIEWS as IDENTITY_VIEWS
from services.projections.view_positions import position_of
from services.scoring.customers import number_customers
from services.scoring.facts import read_category_spend, read_facts
from services.scoring.histories import Asked, Histories, make_orders, read_histories
from services.scoring.progress import Report

VIEWS: Final = (
    *IDENTITY_VIEWS, "purchases", "refunds", "feedback", "complaints", "consents", "endings", "referrals",
)  # fmt: skip


class CustomerBase(NamedTuple):
    """All customers as of a time, at a position: arrays by customer number, of which there are `numbers`.

    `known` of them were seen by then. `too_large` have more parties than one customer can and are left out, and
    `without_rate` are the currencies whose amounts count for nothing.
    """

    position: str
    numbers: int
    known: int
    too_large: int
    without_rate: list[str]
    histories: Histories
    facts: Facts
    spend: CategorySpend


async def read_base(connection: asyncpg.Connection, asked: Asked, report: Report) -> CustomerBase:
    """Reads all customers in one snapshot, and leaves the connection's temporary tables for the rows.

    While it reads it holds the views against being switched to another generation, for no longer. Memory is bounded by
    customers and purchase days, not by events. Raises asyncpg's errors.
    """
    for name, value in _PACE.items():
        await connection.execute(f"set {name} = '{value}'")
    async with connection.transaction(isolation="repeatable_read"):
        position = (await position_of(connection, VIEWS)).token()
        report("finding customers")
        customers = await number_customers(connection, asked.as_of)
        known = await connection.fetchval("select count(*) from run_customers where known")
        report("reading purchases")
        await make_orders(connection, asked)
        histories = await read_histories(connection, asked, customers.numbers)
        report("reading answers, complaints and consents")
        facts = await read_facts(connection, asked, customers.numbers, histories.mixed)
        spend = await read_category_spend(connection)
        without_rate = [row["currency"] for row in await connection.fetch(_WITHOUT_RATE)]
    return CustomerBase(
        position, customers.numbers, known, customers.too_large, without_rate, histories, facts, spend
    )


_PACE: Final = {
    "work_mem": "128MB",
    "maintenance_work_mem": "256MB",
    "jit": "off",
    "synchronous_commit": "off",
}
_WITHOUT_RATE: Final = """
select distinct currency from run_orders
where stands and currency not in (select currency from run_rates) order by currency
"""
