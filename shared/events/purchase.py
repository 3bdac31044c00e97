"""Purchases and the money given back for them."""

from typing import Annotated

from msgspec import Meta

from shared.events.data import EventData, Part
from shared.events.vocabulary import (
    Amount,
    NotNegativeAmount,
    PositiveAmount,
    PositiveDecimal,
    Reference,
    ShortText,
    Word,
)

Quantity = Annotated[int, Meta(ge=1, le=1_000_000)] | PositiveDecimal
"""Pieces as a whole number, or weight and the like as a decimal string such as `0.350`; more than 0."""


class PurchaseLine(Part, frozen=True, kw_only=True):
    """One position of a receipt. A discount may stand as a line of its own with a negative `unit_price`."""

    sku: Reference
    quantity: Quantity
    unit_price: Amount
    description: ShortText | None = None
    category: Reference | None = None


class PurchaseCompleted(EventData, frozen=True, kw_only=True):
    """A customer bought and paid. `order_id` is the till's or shop's own number, to which refunds refer.

    `total` is what was charged, and 0 for what was given away; `promised_total` is what the price tag or the
    advert had said, `list_total` what it would have cost at list prices, before coupons and discounts. Lines
    need not add up to the total: taxes, deposits and rounding differ from till to till.
    """

    TYPE = "purchase.completed"

    order_id: Reference
    total: NotNegativeAmount
    lines: Annotated[tuple[PurchaseLine, ...], Meta(max_length=1000)]
    promised_total: NotNegativeAmount | None = None
    coupons: Annotated[tuple[Word, ...], Meta(max_length=50)] = ()
    list_total: NotNegativeAmount | None = None


class PurchaseRefunded(EventData, frozen=True, kw_only=True):
    """Money of an order was given back. An order may have several refunds, each with a `refund_id` of its
    own.
    """

    TYPE = "purchase.refunded"

    refund_id: Reference
    order_id: Reference
    amount: PositiveAmount
    reason: ShortText | None = None
