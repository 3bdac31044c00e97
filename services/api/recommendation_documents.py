"""OpenAPI documents of recommendations."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.projections.analytics.recommendations import MOST


class Because(BaseModel):
    """The customer's latest purchase of the item that a recommendation follows from."""

    sku: str
    order_id: str
    time: datetime
    sentence: str = Field(
        examples=["Bought tea-250 (order o-7); of 40 baskets with tea-250, 22 have cup-2 too"]
    )


class RecommendedItem(BaseModel):
    """An item that the customer never bought."""

    sku: str
    confidence: float = Field(description="together / with_item, rounded; the order is by the exact value")
    lift: float = Field(description="baskets x together / (with_item x with_then), rounded; more than 1")
    together: int = Field(ge=5, description="baskets with both")
    with_item: int = Field(description="baskets with the item bought")
    with_then: int = Field(description="baskets with the item recommended")
    baskets: int = Field(description="all baskets of at most 50 different items")
    because: Because


class Recommendations(BaseModel):
    """What a customer may like next."""

    customer_id: str
    items: list[RecommendedItem] | None = Field(
        max_length=MOST,
        description="best first; null where they are withheld, or no scoring run was made yet",
    )
    reason: str | None = Field(description="why `items` is null, or empty")
    withheld: list[Literal["scores"]] = Field(
        description="`scores` where the purpose or a want of consent closes them"
    )
