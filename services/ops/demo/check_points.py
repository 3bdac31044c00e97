"""Checks every loyalty account against what the demo's events come to by the programme's terms."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import asyncpg
import httpx

from services.ops.demo.account_story import SHOWN_AT, account_at, entries_at
from services.ops.demo.finding import Finding
from services.ops.demo.points import Points

_READS_AT_ONCE = 8
_SUMS = {
    "points earned": "earned",
    "points taken back": "taken_back",
    "points redeemed": "redeemed",
    "points granted for complaints": "granted",
    "redemptions refused": "refused",
    "anomalies in accounts": "anomalies",
}

_LEDGER = """
select account_id,
       coalesce(sum(points) filter (where kind = 'earned'), 0)::bigint as earned,
       -coalesce(sum(points) filter (where kind = 'clawed_back'), 0)::bigint as taken_back,
       -coalesce(sum(points) filter (where kind = 'redeemed'), 0)::bigint as redeemed,
       coalesce(sum(points) filter (where kind = 'adjusted'), 0)::bigint as granted,
       count(*) filter (where kind = 'redemption_rejected') as refused,
       count(*) filter (where kind = 'anomaly') as anomalies
from live.loyalty_entries
where account_id = any($1::text[])
group by account_id
"""


class InLedger(NamedTuple):
    """What the ledger's entries say of an account."""

    earned: int
    taken_back: int
    redeemed: int
    granted: int
    refused: int
    anomalies: int


async def in_ledger(database: asyncpg.Connection, account_ids: Sequence[str]) -> dict[str, InLedger]:
    """The accounts there are of some."""
    rows = await database.fetch(_LEDGER, list(account_ids))
    return {row["account_id"]: InLedger(*tuple(row)[1:]) for row in rows}


async def check_points(
    client: httpx.AsyncClient, database: asyncpg.Connection, expected: Mapping[str, Points]
) -> list[Finding]:
    """Compares all accounts with the ledger's entries, and with what the API answers."""
    ledger = await in_ledger(database, list(expected))
    same = sum(_is_same(points, ledger.get(account_id)) for account_id, points in expected.items())
    slots = asyncio.Semaphore(_READS_AT_ONCE)
    shown = await asyncio.gather(*(_shown(client, slots, account_id) for account_id in expected))
    sums = [
        Finding(
            what, sum(getattr(each, name) for each in expected.values()),
            sum(getattr(each, name) for each in ledger.values()),
        )
        for what, name in _SUMS.items()
    ]  # fmt: skip
    right = sum(each[:2] == _expected(points) for each, points in zip(shown, expected.values(), strict=True))
    even = sum(each.balance == each.entries for each in shown)
    return [
        *sums,
        Finding("accounts with the right sums", len(expected), same),
        Finding("right balances and tiers", len(expected), right),
        Finding("accounts whose entries add up", len(expected), even),
    ]


class _Shown(NamedTuple):
    """What the API says of an account after the sample's last day; `entries` is their sum."""

    balance: int | None
    tier: str | None
    entries: int


async def _shown(client: httpx.AsyncClient, slots: asyncio.Semaphore, account_id: str) -> _Shown:
    async with slots:
        account = await account_at(client, account_id, SHOWN_AT[-1])
        if account is None:
            return _Shown(None, None, 0)
        entries = await entries_at(client, account_id, SHOWN_AT[-1])
        return _Shown(account["balance"], account["tier"], sum(each["points"] for each in entries))


def _expected(points: Points) -> tuple[int, str]:
    day = SHOWN_AT[-1].date()
    return points.usable(day), points.tier(day)


def _is_same(points: Points, found: InLedger | None) -> bool:
    return found is not None and all(getattr(points, name) == getattr(found, name) for name in _SUMS.values())
