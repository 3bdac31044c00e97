"""Checks that the sample is on timelines, every purchase exactly once."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
import httpx

from services.ops.demo.derived import SOURCES, member_of
from services.ops.demo.finding import Finding
from services.ops.demo.sample import CUSTOMERS, PURCHASES, TOTAL, Purchase

_READS_AT_ONCE = 8
_ASKED_CUSTOMERS = 50

_COUNTS = """
select count(*) as entries, count(*) filter (where j.type = 'interaction.recorded') as contacts,
       count(*) filter (where j.type = 'purchase.completed') as purchases,
       count(distinct j.event_id) filter (where j.type = 'purchase.completed') as orders,
       count(distinct t.subject) as customers,
       coalesce(sum((j.data -> 'total' ->> 'amount')::numeric), 0) as total
from live.timeline t join control.journal j using (partition, log_offset)
where starts_with(j.source, $1)
"""


class OnTimelines(NamedTuple):
    """What the views hold of the demo."""

    entries: int
    contacts: int
    purchases: int
    orders: int
    customers: int
    total: Decimal


async def on_timelines(database: asyncpg.Connection) -> OnTimelines:
    """What the views hold of the demo now."""
    row = await database.fetchrow(_COUNTS, SOURCES)
    return OnTimelines(*row) if row is not None else OnTimelines(0, 0, 0, 0, 0, Decimal(0))


async def check(
    client: httpx.AsyncClient, database: asyncpg.Connection, sample: Sequence[Purchase], events: int
) -> list[Finding]:
    """Compares the whole sample with the views, and every 47th customer's with what the API answers."""
    held = await on_timelines(database)
    asked = set(_asked_members(sample))
    theirs = [purchase for purchase in sample if member_of(purchase) in asked]
    answered = await _answered(client, sorted(asked))
    return [
        Finding("entries on timelines", events, held.entries),
        Finding("purchases on timelines", PURCHASES, held.purchases),
        Finding("different purchases", PURCHASES, held.orders),
        Finding("customers", CUSTOMERS, held.customers),
        Finding("total in USD", TOTAL, held.total),
        Finding(
            f"purchases the API shows of {len(asked)} customers",
            len(theirs),
            len(theirs) if answered == _expected(theirs) else sum(answered.values()),
        ),
    ]


def _asked_members(sample: Sequence[Purchase]) -> list[str]:
    """The members whom the API is asked about: every 47th customer."""
    members = sorted({(purchase.sample_id, member_of(purchase)) for purchase in sample})
    return [member for _, member in members[:: max(1, len(members) // _ASKED_CUSTOMERS)]]


def _expected(purchases: Sequence[Purchase]) -> Counter[tuple[str, str]]:
    return Counter((f"order-{purchase.row:05d}", str(purchase.dollars)) for purchase in purchases)


async def _answered(client: httpx.AsyncClient, members: Sequence[str]) -> Counter[tuple[str, str]]:
    """Order ids and amounts on the members' timelines, with how often each is there."""
    slots = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(member: str) -> list[dict[str, Any]]:
        async with slots:
            return await purchases_of(client, member)

    pages = await asyncio.gather(*(read(member) for member in members))
    return Counter(
        (item["data"]["order_id"], item["data"]["total"]["amount"]) for page in pages for item in page
    )


async def purchases_of(client: httpx.AsyncClient, member: str) -> list[dict[str, Any]]:
    """All purchases on a member's timeline, page by page. Raises httpx's errors."""
    found = await client.post("/v1/customers/lookup", json={"type": "member", "value": member})
    found.raise_for_status()
    items: list[dict[str, Any]] = []
    parameters = {"type": "purchase.completed", "limit": "200"}
    while True:
        path = f"/v1/customers/{found.json()['customer_id']}/timeline"
        page = (await client.get(path, params=parameters)).raise_for_status().json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        parameters["cursor"] = page["next_cursor"]
