"""The shapes of what the ledger decides, as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.api.documents import LedgerEntry

_AVAILABLE = "points available right after the last of `entries`, at its time"


class Redemption(BaseModel):
    """A redemption, and what it did to the account."""

    redemption_id: str
    status: Literal["accepted", "rejected", "cancelled"]
    points: int = Field(ge=1, description="points asked for")
    entries: list[LedgerEntry] = Field(description="its entries, oldest first")
    available: int = Field(ge=0, description=_AVAILABLE)


class Hold(BaseModel):
    """Points set aside, and what became of them."""

    hold_id: str
    status: Literal["open", "captured", "released", "expired", "rejected"]
    points: int = Field(ge=1, description="points asked for")
    captured: int = Field(ge=0, description="points spent of them")
    expires_at: datetime = Field(description="when it is released by itself, UTC")
    entries: list[LedgerEntry] = Field(description="its entries, oldest first")
    available: int = Field(ge=0, description=_AVAILABLE)


class PendingRedemption(BaseModel):
    """A redemption that stands in the log and is not decided yet."""

    redemption_id: str
    status: Literal["pending"]
    detail: str = Field(description="why, and what to do")


class PendingHold(BaseModel):
    """A request about a hold that stands in the log and is not decided yet."""

    hold_id: str
    status: Literal["pending"]
    detail: str = Field(description="why, and what to do")
