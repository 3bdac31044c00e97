"""An account from the rows and entries that the view keeps, few of them at a time however many there are."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import asyncpg
from msgspec import json

from services.projections.loyalty.account import read_back
from services.projections.loyalty.account_source import IS_LATER, Place
from services.projections.loyalty.lots import LotTree
from services.projections.loyalty.rows import AccountRows, RowsMissingError
from services.projections.moments import datetime_of
from services.projections.read_models.declaration import Key, Row
from shared.position import Position

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_FEW_NODES = 8
"""A tree of lots that never had more nodes is loaded whole."""
_NEIGHBOURS = 2
"""Nodes of lots that are loaded with one that is needed, on the side that is read next; of branches one at a time."""


class StoredAccount:
    """An account as the view `loyalty` shows it, in the caller's repeatable-read transaction."""

    def __init__(self, connection: Connection, account_id: str, row: Row) -> None:
        self.account_id = account_id
        self.rows: dict[Key, Row | None] = {(account_id, "account", ""): row}
        self.reads_backwards = False
        self._connection = connection
        self._state: dict[str, Any] = row["state"]
        self._stream_key: str | None = row["party"]

    @property
    def stream_key(self) -> str:
        """Of all its events: the party of its member number."""
        if self._stream_key is None:
            raise LookupError(f"the row of account {self.account_id} does not say its stream key")
        return self._stream_key

    @property
    def latest(self) -> int:
        """The latest time of any of its events."""
        return int(self._state["latest"])

    async def prepare(self, time: int) -> None:
        """Loads what every reading at a time needs, in a few queries rather than one for each row."""
        few = range(1, self._state["next"]) if self._state["next"] <= _FEW_NODES + 1 else ()
        due = [hold[0] for hold in self._state["holds"] if hold[1] <= time]
        keys = [self._key("lots", str(number)) for number in few]
        keys += [self._key("hold", hold_id) for hold_id in due]
        if keys:
            await self._fetch(keys)
        while lacking := self._lacking_to_release(due):
            await self._fetch(list(lacking))

    async def load(self, keys: Collection[Key]) -> None:
        """Brings rows, None for those that are not there, and with nodes of the tree of lots some next to them."""
        wanted = dict.fromkeys(keys)
        for _, kind, reference in keys:
            if kind == "lots":
                wanted |= dict.fromkeys(self._neighbours(int(reference)))
        await self._fetch([key for key in wanted if key not in self.rows])

    async def anomalies(self, most: int) -> list[Row]:
        """The newest ones, in log order."""
        found = await self._connection.fetch(_ANOMALIES, self.account_id, most)
        return [dict(each) for each in reversed(found)]

    async def entries_beyond(self, place: Place | None, most: int, *, ascending: bool) -> list[Row]:
        """Entries but anomalies beyond a place, nearest first; from the very beginning or end for None."""
        condition, arguments = _beyond(place, ascending=ascending)
        found = await self._connection.fetch(
            _entries(condition, ascending=ascending), self.account_id, most, *arguments
        )
        return [_entry(each) for each in found]

    async def last_entry_before(self, time: datetime) -> Row | None:
        """The last entry, anomalies aside, whose time is before another."""
        found = await self._connection.fetch(_entries("time < $3", ascending=False), self.account_id, 1, time)
        return _entry(found[0]) if found else None

    def _key(self, kind: str, reference: str) -> Key:
        return self.account_id, kind, reference

    async def _fetch(self, keys: list[Key]) -> None:
        found = await self._connection.fetch(
            _ROWS, self.account_id, [key[1] for key in keys], [key[2] for key in keys]
        )
        self.rows |= dict.fromkeys(keys)
        for row in found:
            self.rows[self._key(row["kind"], row["reference"])] = {
                "party": row["party"],
                "state": json.decode(row["state"]),
            }

    def _lacking_to_release(self, hold_ids: list[str]) -> set[Key]:
        """Nodes that are not loaded yet, on the way to the lots that these holds give points back to."""
        if not hold_ids:
            return set()
        account_rows = AccountRows(self.account_id, self.rows)
        tree = LotTree(
            self._state["lots"],
            self._state["next"],
            lambda number: account_rows.state("lots", str(number)) or {"level": 0, "items": []},
        )
        lacking: set[Key] = set()
        for hold_id in hold_ids:
            row = self.rows[self._key("hold", hold_id)]
            for lot in read_back(row["state"]["allocations"]) if row else ():
                try:
                    tree.get(lot.key)
                except RowsMissingError as missing:
                    lacking |= missing.keys
        return lacking

    def _neighbours(self, number: int) -> list[Key]:
        loaded = [row["state"] for (_, kind, _), row in self.rows.items() if kind == "lots" and row]
        for node in (self._state["lots"], *loaded):
            children = [item[4] for item in node["items"]] if node["level"] == 1 else []
            if number in children:
                place = children.index(number)
                first, last = (-_NEIGHBOURS, 0) if self.reads_backwards else (0, _NEIGHBOURS)
                near = children[max(place + first, 0) : place + last + 1]
                return [self._key("lots", str(child)) for child in near]
        return []


async def stored_account(connection: Connection, account_id: str) -> tuple[StoredAccount | None, Position]:
    """The account, None where no event was of it, and where the view stands.

    To be called in a repeatable-read transaction, in which the account is read on. Raises asyncpg's errors.
    """
    found = await connection.fetchrow(_ACCOUNT, account_id)
    if found is None:  # an outer join to one row always answers one
        raise AssertionError("an account's query answered no row")
    position = Position.parse(found["position"])
    if found["state"] is None:
        return None, position
    row = {"party": found["party"], "state": json.decode(found["state"])}
    return StoredAccount(connection, account_id, row), position


def _beyond(place: Place | None, *, ascending: bool) -> tuple[str, tuple[Any, ...]]:
    """SQL for what lies beyond a place, and its arguments from $3 on."""
    if place is None:
        return "true", ()
    time = datetime_of(place.time)
    beyond = ">" if ascending else "<"
    if place.rank != IS_LATER:
        return ("time >= $3" if ascending else "time < $3"), (time,)
    offset, number = place.within
    if not place.is_unwritten:
        return (
            f"(time, partition, log_offset, number) {beyond} ($3::timestamptz, $4::integer, $5::bigint, $6::integer)",
            (time, place.extra, offset, number),
        )
    since_then = "log_offset >= $4 and number > $5" if ascending else "(log_offset < $4 or number < $5)"
    return f"time {beyond}= $3 and (time {beyond} $3 or {since_then})", (time, place.extra, number)


def _entry(found: asyncpg.Record) -> Row:
    return {**found, "allocations": json.decode(found["allocations"])}


def _entries(condition: str, *, ascending: bool) -> str:
    way = "asc" if ascending else "desc"
    return _ENTRIES.format(
        condition=condition, order=f"time {way}, partition {way}, log_offset {way}, number {way}"
    )


_ACCOUNT = """
select
    coalesce(
        (
            select string_agg(partition || ':' || position, ',' order by partition)
            from control.view_positions where view = 'loyalty' and position > 0
        ),
        '0'
    ) as position,
    account.state, account.party
from (values (1)) one
left join live.loyalty_states account on account_id = $1 and kind = 'account' and reference = ''
"""
_ROWS = """
select kind, reference, party, state from live.loyalty_states
where account_id = $1 and (kind, reference) in (select * from unnest($2::text[], $3::text[]))
"""
_ANOMALIES = """
select event_id, reason, detail from live.loyalty_entries
where account_id = $1 and kind = 'anomaly'
order by partition desc, log_offset desc, number desc limit $2
"""
_ENTRIES = """
select partition, log_offset, number, time, kind, points, balance_after, reason, order_id, partner, allocations,
    shortfall, event_id
from live.loyalty_entries
where account_id = $1 and kind <> 'anomaly' and {condition}
order by {order} limit $2
"""
