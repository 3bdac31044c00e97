"""Where members stand: their tier and the points they can spend, and no more of their accounts."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypedDict

from msgspec import json

from services.projections.loyalty.account_source import LedgerReads, answered
from services.projections.loyalty.programme import BASE_TIER, Programmes
from services.projections.loyalty.reading import read_account
from services.projections.loyalty.rows import RowsMissingError
from services.projections.loyalty.stored_account import Connection, StoredAccount
from services.projections.loyalty.tiers import held_tier
from services.projections.moments import datetime_of, microseconds_of
from services.projections.read_models.declaration import Key, Needs, Row

MOST_ACCOUNTS: Final = 5


class Standing(NamedTuple):
    """An account as it stands at a time. `threshold` is what the tier takes to reach, 0 for the base."""

    account_id: str
    programme: str
    tier: str
    threshold: int
    available_points: int


class StoredState(TypedDict):
    """The row of an account."""

    account_id: str
    party: str
    state: dict[str, Any]


FOUND: Final = f"""
select coalesce(json_agg(json_build_object('account_id', account_id, 'party', party, 'state', state)), '[]')
from (
    select account_id, party, state from live.loyalty_states
    where party = any($1::text[]) and kind = 'account' order by account_id limit {MOST_ACCOUNTS}
) accounts
"""  # noqa: S608 - a fixed number
"""The accounts of some parties, as the JSON that `accounts` takes: at most so many, the first by id."""

accounts = json.Decoder(list[StoredState]).decode


async def standings(
    reads: LedgerReads, connection: Connection, found: Iterable[StoredState], now: datetime
) -> list[Standing]:
    """How accounts stand now, the highest tier first, then by points.

    To be asked in the transaction that found them: an account of many lots has further rows. Raises asyncpg's errors.
    """
    standing = [await _standing(reads, connection, each, now) for each in found]
    standing.sort(key=lambda each: (-each.threshold, -each.available_points, each.account_id))
    return standing


async def _standing(
    reads: LedgerReads, connection: Connection, found: StoredState, now: datetime
) -> Standing:
    stored = StoredAccount(
        connection, found["account_id"], {"party": found["party"], "state": found["state"]}
    )
    at = max(now, datetime_of(stored.latest))
    await stored.prepare(microseconds_of(at))
    standing = await answered(
        stored, partial(standing_of, reads.programmes, stored.rows, found["account_id"], at)
    )
    if standing is None:
        raise LookupError(f"account {found['account_id']} was found without its row")
    return standing


def standing_of(
    programmes: Programmes, rows: Mapping[Key, Row | None], account_id: str, at: datetime
) -> Standing | Needs | None:
    """How an account stands at a time not before its latest event, or the rows it needs; None for no account. Pure."""
    reading = read_account(programmes, rows, account_id, at)
    if reading is None or isinstance(reading, Needs):
        return reading
    try:
        available = reading.account.figures(reading.time).usable
    except RowsMissingError as missing:
        return Needs(missing.keys)
    tier = held_tier(reading.account, programmes, reading.time)
    name, threshold = (BASE_TIER, 0) if tier is None else (tier.name, tier.threshold)
    return Standing(account_id, reading.account.programme, name, threshold, available)
