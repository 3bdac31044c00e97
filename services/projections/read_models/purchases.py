"""What did a customer buy, when, for how much, and what was in the basket?

A row a purchase. Every figure about purchases is derived from these rows and those of `refunds`, so that late events
and merged customers come out right at any time asked for. Where an order comes again, under another event id or by
another party of the customer, the first word on it counts, by time and event id: readers take that one.
`skus` are the different items, discounts left out, and `categories` what was spent on each category named, in the
currency of the total. What an event does not say is null.
"""

from decimal import Context, Decimal, Inexact
from typing import Any, Final

from sqlalchemy import (
    Column,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.party_events import event_columns, event_values
from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from shared.envelope import RecordedEvent
from shared.events.purchase import PurchaseCompleted

CONSUMED = PurchaseCompleted

TABLE = Table(
    "purchases",
    MetaData(),
    *event_columns(),
    Column("order_id", Text, nullable=False),
    Column("total", Numeric, nullable=False),
    Column("currency", Text, nullable=False),
    Column("list_total", Numeric),
    Column("coupons", JSONB),
    Column("skus", JSONB),
    Column("categories", JSONB),
    PrimaryKeyConstraint("party", "time", "partition", "log_offset", name="purchases_of"),
)

_EXACT: Final = Context(prec=60, traps=[Inexact])
"""Multiplies and adds amounts of 15 digits and 4 decimals without rounding; what would be rounded raises instead."""


def row(event: RecordedEvent[Any]) -> Row:
    """The row of a purchase."""
    data: PurchaseCompleted = event.data
    total, listed = data.total, data.list_total
    return {
        **event_values(event),
        "order_id": data.order_id,
        "total": Decimal(total.amount),
        "currency": total.currency,
        "list_total": Decimal(listed.amount) if listed and listed.currency == total.currency else None,
        "coupons": list(data.coupons) or None,
        "skus": _skus(data),
        "categories": _spent(data),
    }


def _skus(data: PurchaseCompleted) -> list[str] | None:
    found = {line.sku for line in data.lines if not line.unit_price.amount.startswith("-")}
    return sorted(found) or None


def _spent(data: PurchaseCompleted) -> dict[str, str] | None:
    """What each category came to, its discounts taken off."""
    sums: dict[str, Decimal] = {}
    for line in data.lines:
        if line.category is not None and line.unit_price.currency == data.total.currency:
            spent = _EXACT.multiply(Decimal(line.quantity), Decimal(line.unit_price.amount))
            before = sums.get(line.category)
            sums[line.category] = spent if before is None else _EXACT.add(before, spent)
    return {name: f"{sums[name]:f}" for name in sorted(sums)} or None


PURCHASES = ReadModel(
    name="purchases",
    version=1,
    kind=Entries(row=row),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
