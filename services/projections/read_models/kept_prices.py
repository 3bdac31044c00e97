"""Did we charge a customer what we had promised?

One row a party: how many of their purchases had a promise that could be compared with what was charged, how many
charged more, and the latest of those. A promise in another currency than the charge cannot be compared.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any, Final, TypedDict

from msgspec import json
from sqlalchemy import BigInteger, Column, DateTime, MetaData, PrimaryKeyConstraint, Table, Text

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
    "kept_prices",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("promised", BigInteger, nullable=False),
    Column("broken", BigInteger, nullable=False),
    Column("broken_at", DateTime(timezone=True)),
    Column("broken_by", Text),
    Column("order_id", Text),
    Column("promise", Text),
    Column("charge", Text),
    Column("currency", Text),
    PrimaryKeyConstraint("party", name="kept_prices_of"),
)

_OF_THE_LATEST: Final = ("broken_at", "broken_by", "order_id", "promise", "charge", "currency")


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The row of a purchase with a promise; nothing for others. `broken_by` is the id of its event."""
    data: PurchaseCompleted = event.data
    promise, charge = data.promised_total, data.total
    if promise is None or promise.currency != charge.currency:
        return {}
    latest: tuple[Any, ...] = (None,) * len(_OF_THE_LATEST)
    is_broken = Decimal(charge.amount) > Decimal(promise.amount)
    if is_broken:
        latest = (event.time, event.id, data.order_id, promise.amount, charge.amount, charge.currency)
    row = {
        "promised": 1,
        "broken": int(is_broken),
        **dict(zip(_OF_THE_LATEST, latest, strict=True)),
    }
    return {(subjects_of(event).subject,): row}


def combine(one: Row, other: Row) -> Row:
    """The sums of both, and the latest of the broken promises."""
    latest = one if _latest(one) >= _latest(other) else other
    return {
        **latest,
        "promised": one["promised"] + other["promised"],
        "broken": one["broken"] + other["broken"],
    }


def _latest(row: Row) -> tuple[Any, ...]:
    """What broken promises are compared by; none is less than any."""
    return tuple(row[name] for name in _OF_THE_LATEST) if row["broken"] else ()


class KeptPrices(TypedDict):
    """Of how many promises how many were broken, and the latest of those; null where none was."""

    promised: int
    broken: int
    broken_at: datetime | None
    broken_by: str | None
    order_id: str | None
    promise: str | None
    charge: str | None
    currency: str | None


FOUND: Final = """
select coalesce(json_agg(json_build_object(
    'promised', promised, 'broken', broken, 'broken_at', broken_at, 'broken_by', broken_by, 'order_id', order_id,
    'promise', promise, 'charge', charge, 'currency', currency
)), '[]') from live.kept_prices where party = any($1::text[])
"""
"""The rows of some parties, as the JSON that `kept_prices` takes. One row a party."""

_decode = json.Decoder(list[KeptPrices]).decode


def kept_prices(found: str) -> KeptPrices | None:
    """What the rows of all parties come to; None where nothing was promised."""
    rows = _decode(found)
    return reduce(_together, rows) if rows else None


def _together(one: KeptPrices, other: KeptPrices) -> KeptPrices:
    both: KeptPrices = {**combine(one, other)}  # type: ignore[typeddict-item]
    return both


KEPT_PRICES = ReadModel(
    name="kept_prices",
    version=1,
    kind=Mergeable(lift=lift, combine=combine),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
