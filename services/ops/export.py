"""Everything held about one customer: who they are, events, rows of views, scores, keys, who read it, erasures."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

import asyncpg
import msgspec
from sqlalchemy import Table

from services.projections.engine.history import UnknownHistoryError
from services.projections.history.reading import EVERYTHING, Decode, journalled_events
from services.projections.history.ties import stream_keys_of
from services.projections.identity.component import component_of
from services.projections.read_models.declaration import ReadModel
from shared.envelope import RecordedEvent
from shared.personal_data.opener import Opener
from shared.personal_data.recorded import opened_texts, with_opened

_ROWS: Final = 500
_OWN_NAMES: Final = ("party", "party_id", "subject", "complaint_id", "task_id", "account_id")
"""Columns that say whose a row is: by a party, a stream key, or the id of a case or an account."""
_encode: Final = msgspec.json.Encoder().encode


async def export_customer(
    connection: asyncpg.Connection,
    opener: Opener,
    read_models: Sequence[ReadModel],
    decode: Decode,
    party_id: str,
) -> AsyncIterator[bytes]:
    """JSON objects, each with its `kind`, in plain: `customer`, `event`, `row`, `scores`, `key`, `read`,
    `erasure`.

    One snapshot. What was erased, or whose key is missing, is null. Memory holds the customer's sealed values and what
    they say. Raises `UnknownHistoryError`, what `component_of` and `stream_keys_of` raise, `KeyStoreUnavailableError`,
    `UndecodableRecordError` and asyncpg's errors.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        component = await component_of(connection, party_id)
        if component is None:
            raise UnknownHistoryError(
                f"no event of {party_id} was applied; check the id, and with `rapport status` that views keep up"
            )
        yield _encode(
            {"kind": "customer", "customer_id": component.customer_id, "parties": component.parties}
        )
        stream_keys = await stream_keys_of(connection, component.parties)
        opened: dict[str, Any] = {}
        accounts: set[str] = set()
        async for chunk in journalled_events(connection, stream_keys, EVERYTHING, decode):
            events = [journalled.event for journalled in chunk]
            opened |= await opened_texts(events, opener)
            for event in events:
                accounts |= {each.value for each in event.customer if each.type == "member"}
                if account := getattr(event.data, "account_id", None):
                    accounts.add(account)
                yield _encode({"kind": "event", **_event(event, opened)})
        named = {*stream_keys, *(key.partition(":")[2] for key in stream_keys if ":" in key), *accounts}
        for read_model in read_models:
            async for row in _rows(connection, read_model, sorted(named)):
                yield _encode({"kind": "row", "view": read_model.name, "row": with_opened(row, opened)})
        async for kept in _kept_beside(connection, component.parties, stream_keys):
            yield _encode(kept)


async def _kept_beside(
    connection: asyncpg.Connection, parties: Sequence[str], stream_keys: Sequence[str]
) -> AsyncIterator[dict[str, Any]]:
    """What is held beside events and views: scores of the latest run, keys, who read the customer's data, erasures."""
    customer_ids = [f"cus_{each[4:]}" for each in parties]
    if await connection.fetchval("select to_regclass('live.scores') is not null"):
        for [scores] in await connection.fetch(_SCORES, list(parties)):
            yield {"kind": "scores", **msgspec.json.decode(scores)}
    for key in await connection.fetch(_KEYS, stream_keys):
        yield {"kind": "key", **dict(key)}
    reads = await connection.cursor(_READS, [*customer_ids, *stream_keys])
    while page := await reads.fetch(_ROWS):
        for read in page:
            yield {"kind": "read", **dict(read)}
    for erasure in await connection.fetch(_ERASURES, customer_ids):
        yield {"kind": "erasure", **dict(erasure)}


def _event(event: RecordedEvent[Any], opened: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.json.decode(_encode(event.record))
    place = {"partition": event.partition, "offset": event.offset, "stream_key": event.stream_key}
    written: dict[str, Any] = with_opened(record, opened)
    return {**place, **written}


async def _rows(
    connection: asyncpg.Connection, read_model: ReadModel, named: Sequence[str]
) -> AsyncIterator[dict[str, Any]]:
    for table in read_model.tables:
        columns = list(_own_columns(table))
        if not columns:
            continue
        wanted = " or ".join(f"{name} = any($1::text[])" for name in columns)
        # Names come from declarations in the code, never from input.
        cursor = await connection.cursor(
            f"select to_jsonb(held)::text from live.{table.name} held where {wanted}",  # noqa: S608
            list(named),
        )
        while rows := await cursor.fetch(_ROWS):
            for row in rows:
                yield _with_json_texts(msgspec.json.decode(row[0]))


def _own_columns(table: Table) -> Iterator[str]:
    return (name for name in _OWN_NAMES if name in table.columns)


def _with_json_texts(row: dict[str, Any]) -> dict[str, Any]:
    """A timeline's item stands in its row as text: here as the JSON that it is."""
    item = row.get("item")
    return {**row, "item": msgspec.json.decode(item)} if isinstance(item, str) else row


_SCORES: Final = (
    "select to_jsonb(held)::text from live.scores held where parties && $1::text[] order by party"
)
_KEYS: Final = """
select subject, encode(key_id, 'hex') as key_id, created_at, destroyed_at
from control.subject_keys where subject = any($1::text[]) order by subject, created_at
"""
_READS: Final = """
select recorded_at, reader, subject, purpose, categories, call
from control.access_records where subject = any($1::text[]) order by number
"""
_ERASURES: Final = """
select request, customer_id, parties, cases, keys_destroyed, erased_at
from control.erasures where customer_id = any($1::text[]) order by erased_at
"""
