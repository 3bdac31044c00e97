"""What the ledger decided about one redemption or hold, and about one event that asked for something."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

import asyncpg
from msgspec import json

from services.projections.read_models.declaration import Row
from shared.position import Position

Kind = Literal["redemption", "hold"]

_BEGINS: dict[Kind, str] = {"redemption": "loyalty.redemption_requested", "hold": "loyalty.hold_placed"}
_KINDS: dict[Kind, frozenset[str]] = {
    "redemption": frozenset({"redeemed", "redemption_cancelled"}),
    "hold": frozenset({"hold_placed", "hold_captured", "hold_released"}),
}
_REJECTED = "redemption_rejected"


class Sought(NamedTuple):
    """A redemption or hold by its id. `account_id` is normalised, `stream_key` is what the account is ordered by."""

    account_id: str
    stream_key: str
    kind: Kind
    reference: str


class Told(NamedTuple):
    """An event as the log took it up first, and what the ledger made of it.

    `data` is its data in JSON. `entries` are those written with it, anomalies included. `parked` tells that the ledger
    could not take it: it waits for operators, or they discarded it.
    """

    partition: int
    log_offset: int
    data: bytes
    entries: tuple[Row, ...]
    parked: Literal["waiting", "discarded"] | None

    def within(self, position: Position) -> bool:
        """Whether a view at a position has taken the event up."""
        return position.offsets.get(self.partition, 0) > self.log_offset


class Found(NamedTuple):
    """What one snapshot of the ledger holds of a redemption or hold, and of the event asked about.

    `state` is its row, None where there is none. `entries` are its own, in log order. `asked` is the data, in JSON, of
    the event that first asked for it. `told` is None for an event that no view has seen. `waiting` tells that an event
    which asks for it is parked and waits.
    """

    state: Mapping[str, Any] | None
    entries: tuple[Row, ...]
    asked: bytes | None
    told: Told | None
    waiting: bool


async def outcome(
    connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy | asyncpg.Pool,
    sought: Sought,
    *,
    event_hash: bytes | None = None,
    partition_hash: int = 0,
) -> tuple[Found, Position]:
    """What is known of a redemption or hold, and of the event with a hash, and where the ledger stands.

    `partition_hash` is the event's place among the partitions before it is divided by their number. One statement, so
    one snapshot; its cost does not grow with the account. Raises asyncpg's errors.
    """
    (record,) = await connection.fetch(
        _OUTCOME, *sought[:2], sought.kind, sought.reference, partition_hash, event_hash
    )
    entries = [_entry(each) for each in json.decode(record["entries"])]
    own = [each for each in entries if _is_of(sought, each)]
    begun = next((each for each in own if each["type"] == _BEGINS[sought.kind]), None)
    found = Found(
        state=None if record["state"] is None else json.decode(record["state"]),
        entries=tuple(own),
        asked=None if begun is None else json.encode(begun["data"]),
        told=_told(record, entries),
        waiting=record["waiting"],
    )
    return found, Position.parse(record["position"])


def _told(record: asyncpg.Record, entries: list[dict[str, Any]]) -> Told | None:
    if record["partition"] is None:
        return None
    place = (record["partition"], record["log_offset"])
    written = tuple(each for each in entries if (each["partition"], each["log_offset"]) == place)
    return Told(*place, record["data"].encode(), written, record["parked"])


def _is_of(sought: Sought, entry: Row) -> bool:
    """A rejection is told apart by the event it came from, for a redemption and a hold may have the same id."""
    if entry["reference"] != sought.reference:
        return False
    if entry["kind"] == _REJECTED:
        return bool(entry["type"] == _BEGINS[sought.kind])
    return entry["kind"] in _KINDS[sought.kind]


def _entry(stored: dict[str, Any]) -> dict[str, Any]:
    """A row as PostgreSQL writes it in JSON, with its time as a time."""
    return {**stored, "time": datetime.fromisoformat(stored["time"])}


_OUTCOME = """
with reached as (
    select coalesce(string_agg(partition || ':' || position, ',' order by partition), '0') as position
    from control.view_positions where view = 'loyalty' and position > 0
), told as (
    select partition, log_offset, data from control.journal
    where partition = (select ($5::bigint % partitions)::integer from control.log_identity) and event_hash = $6
), wanted as (
    select entry.* from live.loyalty_entries entry where entry.account_id = $1 and entry.reference = $4
    union all
    select entry.* from told join live.loyalty_entries entry using (partition, log_offset)
    where entry.reference is distinct from $4
), entries as (
    select wanted.*, journal.type, journal.data from wanted
    left join control.journal using (partition, log_offset)
)
select reached.position, told.partition, told.log_offset, told.data,
    (
        select state from live.loyalty_states
        where account_id = $1 and kind = $3::text and reference = $4
    ) as state,
    (
        select coalesce(json_agg(entries order by entries.partition, entries.log_offset, entries.number), '[]')
        from entries
    ) as entries,
    (
        select case when discarded_at is null then 'waiting' else 'discarded' end from control.parked_events parked
        where parked.view = 'loyalty'
            and parked.partition = told.partition and parked.log_offset = told.log_offset
    ) as parked,
    exists (
        select from control.parked_events parked
        where parked.view = 'loyalty' and parked.stream_key = $2 and parked.discarded_at is null
            and case when parked.stream_key = $2 then
                convert_from(parked.record_value, 'UTF8')::json #>> array['data', $3::text || '_id'] = $4
            end
    ) as waiting
from reached left join told on true
"""
