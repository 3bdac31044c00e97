"""What readers ask of the ledger: an account at any time, a page of its entries, the accounts of a customer.

Each is to be asked in a repeatable-read transaction of the caller's, so that all of an answer, its position included,
is of one snapshot.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from services.projections.loyalty.account_source import AccountSource, LedgerReads, Paging, answered
from services.projections.loyalty.entry_pages import EntryPage, entry_page
from services.projections.loyalty.past_account import past_account
from services.projections.loyalty.reading import account_view, read_account
from services.projections.loyalty.stored_account import Connection, stored_account
from services.projections.moments import datetime_of, microseconds_of
from shared.position import Position

MOST_LOTS = 100
MOST_ANOMALIES = 50


class Asked(NamedTuple):
    """An account by its normalised id, at a time; None for now, which is `now`."""

    account_id: str
    now: datetime
    as_of: datetime | None


class AccountRead(NamedTuple):
    """An account as the API answers it, None where no event was of it by then, and the snapshot's position."""

    account: dict[str, Any] | None
    position: Position


class EntriesRead(NamedTuple):
    """A page of an account's entries, None where no event was of it by then, and the snapshot's position."""

    page: EntryPage | None
    position: Position


class AccountsRead(NamedTuple):
    """Account ids in their order, whether more follow, and the snapshot's position."""

    account_ids: list[str]
    more: bool
    position: Position


async def account_at(reads: LedgerReads, connection: Connection, asked: Asked) -> AccountRead:
    """The account at a time, with the newest anomalies and the lots that are taken next.

    Cost grows with the logarithm of the number of lots; at a time before the account's latest event, with the number of
    its events until then. Raises `PastTooLargeError` and asyncpg's errors.
    """
    source, at, position = await _source(reads, connection, asked)
    if source is None:
        return AccountRead(None, position)
    ask = partial(
        account_view,
        reads.programmes,
        source.rows,
        asked.account_id,
        at,
        anomalies=await source.anomalies(MOST_ANOMALIES),
        most_lots=MOST_LOTS,
    )
    return AccountRead(await answered(source, ask), position)


async def entries_at(reads: LedgerReads, connection: Connection, asked: Asked, wanted: Paging) -> EntriesRead:
    """A page of the account's entries as they show at a time.

    Cost grows with the page; at a time before the account's latest event, also with the number of its events until
    then. Raises `PastTooLargeError` and asyncpg's errors.
    """
    source, at, position = await _source(reads, connection, asked, reads_backwards=not wanted.ascending)
    if source is None:
        return EntriesRead(None, position)
    ask = partial(read_account, reads.programmes, source.rows, asked.account_id, at)
    reading = await answered(source, ask)
    if reading is None:
        return EntriesRead(None, position)
    return EntriesRead(await entry_page(source, reading, wanted, position), position)


async def accounts_of(
    connection: Connection, parties: Sequence[str], after: str | None, limit: int
) -> AccountsRead:
    """The accounts of some parties by id, those behind `after`. Raises asyncpg's errors."""
    found = await connection.fetch(_ACCOUNTS, list(parties), after or "", limit + 1)
    ids = [each["account_id"] for each in found if each["account_id"] is not None]
    return AccountsRead(ids[:limit], len(ids) > limit, Position.parse(found[0]["position"]))


async def _source(
    reads: LedgerReads, connection: Connection, asked: Asked, *, reads_backwards: bool = False
) -> tuple[AccountSource | None, datetime, Position]:
    """Where to read the account, and at which time: never before its latest event, unless that time is asked for."""
    account_id, now, as_of = asked
    stored, position = await stored_account(connection, account_id)
    if stored is None:
        return None, as_of or now, position
    latest = datetime_of(stored.latest)
    if as_of is not None and as_of < latest:
        return await past_account(connection, reads, stored, as_of, position), as_of, position
    at = as_of or max(now, latest)
    stored.reads_backwards = reads_backwards
    await stored.prepare(microseconds_of(at))
    return stored, at, position


_ACCOUNTS = """
with reached as (
    select coalesce(string_agg(partition || ':' || position, ',' order by partition), '0') as position
    from control.view_positions where view = 'loyalty' and position > 0
)
select reached.position, found.account_id from reached left join (
    select account_id from live.loyalty_states
    where party = any($1::text[]) and kind = 'account' and account_id > $2
    order by account_id limit $3
) found on true
order by found.account_id
"""
