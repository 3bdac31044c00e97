"""Erases a customer: events that take their rows out of views, and the destruction of every key of theirs."""

import asyncio
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg
from msgspec import Raw, json

from services.projections.history.ties import stream_keys_of
from services.projections.identity.component import Component, component_of
from services.scoring.score_tables import forget_scores
from shared.clock import Clock
from shared.codec import encode_value
from shared.envelope import PostedEvent, RecordedIdentifier
from shared.erasures import ERASURES, erasure_id
from shared.events.customer import CustomerErasureRequested
from shared.events.vocabulary import IdentifierType
from shared.field_cipher import NoCipher
from shared.log.port import Appended, LogWriter, NewRecord
from shared.personal_data.key_table import destroy_keys
from shared.position import Position

_MOST_ROUNDS: Final = 5
_LOOK_SECONDS: Final = 0.1
_NO_VALUE: Final = "erased"
"""Stands where an identifier's value does; the party id beside it says whom the event is about."""


class ErasureRefusedError(Exception):
    """The customer cannot be erased so; the message says why and what to do. Nothing was done."""


class ErasureUnfinishedError(Exception):
    """Not everything was erased; the message says what is missing. Repeating the same request goes on with it."""


class Receipt(NamedTuple):
    """What was erased, without personal data: see `control.erasures`. `in_views`: views have taken it up."""

    request: str
    customer_id: str
    parties: int
    cases: int
    keys_destroyed: int
    position: str
    erased_at: datetime
    in_views: bool


class Wanted(NamedTuple):
    """Who is to be erased, on which request, and why, if somebody said so."""

    party_id: str
    request: str
    reason: str | None


async def erase(
    connection: asyncpg.Connection, writer: LogWriter, wanted: Wanted, clock: Clock, *, wait_seconds: float
) -> Receipt:
    """Erases a customer, and repeated with the same request what came to light since.

    First the log gets an erasure for each party, then the keys of all parties and of the complaints and tasks opened
    for them are destroyed, durably and with their scores and the receipt in one transaction. Then it waits for the
    views, and looks whether events before it, which they had not taken up, make more parties the customer's. Broken off
    at any moment, it is to be repeated. Raises `ErasureRefusedError`, `ErasureUnfinishedError`, what `component_of` and
    `stream_keys_of` raise, and asyncpg's errors.
    """
    erased: set[str] = set()
    receipt: Receipt | None = None
    for _ in range(_MOST_ROUNDS):
        component = await _component(connection, wanted)
        await _refuse_another(connection, wanted, component)
        events = await _events(connection, component, wanted, clock())
        position = await _appended(writer, events)
        receipt = await _destroyed(connection, component, wanted, position)
        erased.update(component.parties)
        if not await _reached(connection, position, wait_seconds):
            return receipt
        if erased.issuperset((await _component(connection, wanted)).parties):
            return receipt._replace(in_views=True)
    raise ErasureUnfinishedError(
        "identifiers were linked to this customer again and again meanwhile; repeat the same request"
    )


async def _component(connection: asyncpg.Connection, wanted: Wanted) -> Component:
    component = await component_of(connection, wanted.party_id)
    if component is None:
        raise ErasureRefusedError(
            f"no event named {wanted.party_id}; check the id, and with `rapport status` that views keep up"
        )
    return component


async def _refuse_another(connection: asyncpg.Connection, wanted: Wanted, component: Component) -> None:
    """A request is one customer's: its number on another one is a slip that would cost their data."""
    customer_id = await connection.fetchval(
        "select customer_id from control.erasures where request = $1", wanted.request
    )
    if customer_id is not None and f"pty_{customer_id[4:]}" not in component.parties:
        raise ErasureRefusedError(
            f"request {wanted.request} erased another customer, {customer_id}; give this one a request of its own"
        )


async def _events(
    connection: asyncpg.Connection, component: Component, wanted: Wanted, now: datetime
) -> list[NewRecord]:
    rows = await connection.fetch(
        "select party_id, type from live.identity_parties where party_id = any($1::text[])",
        list(component.parties),
    )
    types: dict[str, IdentifierType] = {row["party_id"]: row["type"] for row in rows}
    data = CustomerErasureRequested(request_id=wanted.request, reason=wanted.reason)
    return [_event(party, types.get(party, "external"), data, now) for party in component.parties]


def _event(
    party_id: str, identifier_type: IdentifierType, data: CustomerErasureRequested, now: datetime
) -> NewRecord:
    customer = (RecordedIdentifier(identifier_type, _NO_VALUE, party_id),)
    posted = PostedEvent(
        specversion="1.0",
        id=erasure_id(data.request_id, party_id),
        source=ERASURES,
        type=data.TYPE,
        time=now,
        data=Raw(json.encode(data)),
    )
    value = encode_value(
        posted,
        data,
        version=data.VERSION,
        channel="web",
        customer=customer,
        recorded_time=now,
        cipher=NoCipher(),
    )
    return NewRecord(party_id.encode(), value)


async def _appended(writer: LogWriter, events: list[NewRecord]) -> Position:
    outcomes = await writer.append(events)
    written = [each for each in outcomes if isinstance(each, Appended)]
    if len(written) < len(outcomes):
        failed = next(each for each in outcomes if not isinstance(each, Appended))
        raise ErasureUnfinishedError(
            f"the event log did not take the erasure, so no key was destroyed: {failed}; repeat the same request"
        )
    return Position.of_written(written)


async def _destroyed(
    connection: asyncpg.Connection, component: Component, wanted: Wanted, position: Position
) -> Receipt:
    stream_keys = await stream_keys_of(connection, component.parties)
    async with connection.transaction():
        await connection.execute("set local synchronous_commit = on")
        destroyed = await destroy_keys(connection, {*stream_keys, *component.parties})
        await forget_scores(connection, list(component.parties))
        row = await connection.fetchrow(
            _RECEIPT,
            wanted.request,
            component.customer_id,
            len(component.parties),
            len(set(stream_keys) - set(component.parties)),
            destroyed,
            position.token(),
        )
    if row is None:
        raise AssertionError("the statement answers the row that it wrote")
    return Receipt(**dict(row), in_views=False)


async def _reached(connection: asyncpg.Connection, position: Position, wait_seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_seconds
    while True:
        rows = await connection.fetch("select partition, position from control.positions where position > 0")
        if Position({row["partition"]: row["position"] for row in rows}).includes(position):
            return True
        if loop.time() >= until:
            return False
        await asyncio.sleep(_LOOK_SECONDS)


_RECEIPT: Final = """
insert into control.erasures as kept (request, customer_id, parties, cases, keys_destroyed, position)
values ($1, $2, $3, $4, $5, $6)
on conflict (request) do update set
    parties = greatest(kept.parties, excluded.parties), cases = greatest(kept.cases, excluded.cases),
    keys_destroyed = kept.keys_destroyed + excluded.keys_destroyed, position = excluded.position
returning request, customer_id, parties, cases, keys_destroyed, position, erased_at
"""
