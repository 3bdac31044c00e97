"""Which items does a customer buy most?

A row for each item (`sku`) of a party, with how many of it they bought. A line with a negative price is a discount and
no item. Refunds change nothing here, because they give back money of an order and name none of its lines.
"""

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact
from typing import Any, Final, TypedDict

from msgspec import json
from sqlalchemy import Column, DateTime, MetaData, Numeric, PrimaryKeyConstraint, Table, Text

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
from shared.events.purchase import PurchaseCompleted

CONSUMED = PurchaseCompleted

TABLE = Table(
    "bought_items",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("description", Text),
    Column("described_at", DateTime(timezone=True)),
    Column("described_by", Text),
    PrimaryKeyConstraint("party", "sku", name="bought_items_of"),
)

FAVOURITES: Final = 3
_EXACT = Context(prec=60, traps=[Inexact])
"""Adds quantities of 15 digits and 4 decimals without rounding; a sum that would be rounded raises instead."""


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """A row for each item of a purchase; `described_by` is the event that had the description."""
    data: PurchaseCompleted = event.data
    party = subjects_of(event).subject
    rows: dict[Key, Row] = {}
    for line in data.lines:
        if line.unit_price.amount.startswith("-"):
            continue
        described = line.description is not None
        row = {
            "quantity": Decimal(line.quantity),
            "description": line.description,
            "described_at": event.time if described else None,
            "described_by": event.id if described else None,
        }
        key = (party, line.sku)
        rows[key] = combine(rows[key], row) if key in rows else row
    return rows


def combine(one: Row, other: Row) -> Row:
    """Both quantities together, under the latest description."""
    described = one if _described(one) >= _described(other) else other
    return {**described, "quantity": _EXACT.add(one["quantity"], other["quantity"])}


def _described(row: Row) -> tuple[Any, ...]:
    """What descriptions are compared by; none is less than any."""
    if row["description"] is None:
        return ()
    return row["described_at"], row["described_by"], row["description"]


class Favourite(TypedDict):
    """An item and how many were bought of it, as an exact decimal text."""

    sku: str
    quantity: str
    description: str | None


FOUND: Final = f"""
select coalesce(json_agg(json_build_object(
    'sku', sku, 'quantity', quantity::text, 'description', description
) order by total desc, sku collate "C"), '[]')
from (
    select sku, sum(quantity) as total, trim_scale(sum(quantity)) as quantity, (array_agg(
        description order by described_at desc, described_by collate "C" desc, description collate "C" desc
    ) filter (where description is not null))[1] as description
    from live.bought_items where party = any($1::text[])
    group by sku order by total desc, sku collate "C" limit {FAVOURITES}
) most
"""  # noqa: S608 - a fixed number
"""The items that some parties bought most, as the JSON that `favourites` takes.

Of equal quantities those with the lesser `sku`. Cost grows with the number of different items that the parties bought.
"""

_decode = json.Decoder(list[Favourite]).decode


def favourites(found: str) -> list[Favourite]:
    """The items bought most, most first."""
    return _decode(found)


BOUGHT_ITEMS = ReadModel(
    name="bought_items",
    version=1,
    kind=Mergeable(lift=lift, combine=combine),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
