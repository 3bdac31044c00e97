"""How much have we had to do with a customer: since when, by which channels, about what, and what did they spend?

A row for each subject, and one more for each case tied to it, so that a row never grows with the number of cases.
Rows are sums, so they can be added up in any order, and so can those of the parties and cases of one customer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Context, Decimal, Inexact
from typing import Any, NamedTuple

import asyncpg
from msgspec import json
from sqlalchemy import BigInteger, Column, DateTime, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.categories import category_of
from services.projections.read_models.declaration import (
    ErasedRows,
    Key,
    Mergeable,
    ReadModel,
    Row,
    classes_of,
)
from services.projections.subjects import subjects_of
from shared.envelope import RecordedEvent
from shared.events import AnyEvent
from shared.events.purchase import PurchaseCompleted, PurchaseRefunded
from shared.position import Position

CONSUMED = AnyEvent

TABLE = Table(
    "customer_summary",
    MetaData(),
    Column("subject", Text, nullable=False),
    Column("case_subject", Text, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("first_seen", DateTime(timezone=True), nullable=False),
    Column("last_seen", DateTime(timezone=True), nullable=False),
    Column("channels", JSONB, nullable=False),
    Column("categories", JSONB, nullable=False),
    Column("spend", JSONB, nullable=False),
    PrimaryKeyConstraint("subject", "case_subject", name="customer_summary_of"),
)

_NO_CASE = ""
_EXACT = Context(prec=60, traps=[Inexact])
"""Adds amounts of 15 digits and 4 decimals without rounding; a sum that would be rounded raises instead."""


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The row of one event: whose it is, and the case it ties to them. Every event counts, as on the timeline."""
    subject, case_subject = subjects_of(event)
    category = category_of(event)
    row = {
        "events": 1,
        "first_seen": event.time,
        "last_seen": event.time,
        "channels": {event.channel: 1},
        "categories": {category: 1} if category is not None else {},
        "spend": _spent(event.data),
    }
    return {(subject, case_subject or _NO_CASE): row}


def combine(one: Row, other: Row) -> Row:
    """What two rows come to together."""
    return {
        "events": one["events"] + other["events"],
        "first_seen": min(one["first_seen"], other["first_seen"]),
        "last_seen": max(one["last_seen"], other["last_seen"]),
        "channels": _counted(one["channels"], other["channels"]),
        "categories": _counted(one["categories"], other["categories"]),
        "spend": _added(one["spend"], other["spend"]),
    }


def _spent(data: AnyEvent) -> dict[str, str]:
    match data:
        case PurchaseCompleted():
            return {data.total.currency: data.total.amount}
        case PurchaseRefunded():
            return {data.amount.currency: f"-{data.amount.amount}"}
        case _:
            return {}


def _counted(one: Mapping[str, int], other: Mapping[str, int]) -> Mapping[str, int]:
    counts = dict(one)
    for name, count in other.items():
        counts[name] = counts.get(name, 0) + count
    return counts


def _added(one: Mapping[str, str], other: Mapping[str, str]) -> Mapping[str, str]:
    if not one or not other:
        return one or other
    sums = dict(one)
    for currency, amount in other.items():
        before = sums.get(currency)
        sums[currency] = amount if before is None else f"{_EXACT.add(Decimal(before), Decimal(amount)):f}"
    return sums


class Summary(NamedTuple):
    """The sums of some parties and their cases. `spend` is purchases minus refunds by currency, as decimal texts."""

    events: int
    first_seen: datetime
    last_seen: datetime
    channels: Mapping[str, int]
    categories: Mapping[str, int]
    spend: Mapping[str, str]


async def summary(
    connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy | asyncpg.Pool, parties: Sequence[str]
) -> tuple[Summary | None, Position]:
    """What is known of some parties together, their cases and the tasks of those included; None for no event at all.

    One statement, so one snapshot. Cost grows with the number of cases. Raises asyncpg's errors.
    """
    found = await connection.fetch(_ROWS, list(parties))
    position = Position.parse(found[0]["position"])
    total: Row | None = None
    for record in found:
        if record["events"] is not None:
            row = _read(record)
            total = row if total is None else combine(total, row)
    return (Summary(**total) if total is not None else None), position


def _read(record: asyncpg.Record) -> Row:
    parsed = {name: json.decode(record[name]) for name in ("channels", "categories", "spend")}
    return {**{name: record[name] for name in ("events", "first_seen", "last_seen")}, **parsed}


_ROWS = """
with cases as (
    select case_subject from live.customer_summary where subject = any($1::text[]) and case_subject <> ''
), tasks as (
    select tie.case_subject from cases join live.customer_summary tie on tie.subject = cases.case_subject
    where tie.case_subject <> ''
), subjects as (
    select unnest($1::text[]) as subject union select case_subject from cases union select case_subject from tasks
), reached as (
    select coalesce(string_agg(partition || ':' || position, ',' order by partition), '0') as position
    from control.view_positions where view = 'customer_summary' and position > 0
)
select reached.position, found.events, found.first_seen, found.last_seen,
    found.channels, found.categories, found.spend
from reached left join (
    select sums.* from subjects join live.customer_summary sums using (subject)
) found on true
"""

CUSTOMER_SUMMARY = ReadModel(
    name="customer_summary",
    version=1,
    kind=Mergeable(lift=lift, combine=combine),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="subject", case="case_subject"),
)
