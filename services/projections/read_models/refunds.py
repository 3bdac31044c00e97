"""What was given back of which order, and when?

A row a refund of an order and party, by the first word on it. A refund counts for its order whichever party of the
customer it was booked on, so readers find it by the order among all of them.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Numeric, PrimaryKeyConstraint, Table, Text

from services.projections.analytics.first_word import first_word
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
from shared.events.purchase import PurchaseRefunded

CONSUMED = PurchaseRefunded

TABLE = Table(
    "refunds",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("refund_id", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("currency", Text, nullable=False),
    PrimaryKeyConstraint("party", "order_id", "refund_id", name="refunds_of"),
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The row of a refund."""
    data: PurchaseRefunded = event.data
    row = {
        "time": event.time,
        "event_id": event.id,
        "amount": Decimal(data.amount.amount),
        "currency": data.amount.currency,
    }
    return {(subjects_of(event).subject, data.order_id, data.refund_id): row}


REFUNDS = ReadModel(
    name="refunds",
    version=1,
    kind=Mergeable(lift=lift, combine=first_word),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
