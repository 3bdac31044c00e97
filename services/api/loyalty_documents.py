"""The shapes of the ledger's answers as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.api.documents import CustomerId, LedgerEntry
from services.projections.loyalty.account_endings import MOST_FOUND
from services.projections.loyalty.queries import MOST_ANOMALIES, MOST_LOTS

Points = Annotated[int, Field(ge=0, examples=[120])]


class ExpiringPoints(BaseModel):
    """Points that lapse together."""

    points: Points
    expires_at: datetime


class PointsLot(BaseModel):
    """Points that were granted together and of which some remain."""

    event_id: str = Field(description="the event that granted them")
    granted: Points
    remaining: Points
    occurred_at: datetime
    expires_at: datetime | None = Field(description="null for points that never lapse")
    partner: str | None = Field(description="who issued them; null for the programme itself")


class LedgerAnomaly(BaseModel):
    """Something about an event that was not as it should be."""

    event_id: str
    code: str = Field(examples=["implicit_enrolment"])
    detail: str


class LoyaltyAccount(BaseModel):
    """An account at a time. `balance` is `available` and `held` less `deficit`."""

    account_id: str = Field(examples=["M1024"])
    programme: str = Field(examples=["circle"])
    as_of: datetime = Field(description="the time that the figures are of, UTC")
    balance: int
    available: Points
    held: Points
    deficit: Points
    tier: str = Field(examples=["silver"], description="`base` where none is held")
    tier_valid_until: datetime | None
    qualifying_points: Points = Field(description="those of the calendar year of `as_of`")
    expiring: list[ExpiringPoints] = Field(description="what lapses when, by time")
    lots: list[PointsLot] = Field(max_length=MOST_LOTS, description="in the order in which they are taken")
    anomalies: list[LedgerAnomaly] = Field(
        max_length=MOST_ANOMALIES, description="the newest ones, in log order"
    )


class LedgerEntryPage(BaseModel):
    """One page of an account's entries."""

    items: list[LedgerEntry] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")


class LoyaltyAccountPage(BaseModel):
    """One page of the accounts of a customer."""

    items: list[LoyaltyAccount] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")


class EndingAccount(BaseModel):
    """An account, and whose it is."""

    account_id: str = Field(examples=["M1024"])
    customer_id: CustomerId


class EndingAccounts(BaseModel):
    """Accounts whose number ends as was asked."""

    items: list[EndingAccount] = Field(max_length=MOST_FOUND, description="by account id")
    more: bool = Field(description="whether there are more; ask with more characters")


class RedeemedPoints(BaseModel):
    """What was paid with an issuing partner's points at a partner."""

    redeeming_partner: str | None = Field(description="null for the programme itself")
    redeemed: int
    given_back: int = Field(description="by cancelled redemptions")


class PartnerSettlement(BaseModel):
    """The points of one issuing partner in a month."""

    issuing_partner: str | None = Field(description="null for the programme itself")
    outstanding_before: int = Field(description="what members had when the month began, holds included")
    issued: int
    repaid: int = Field(description="issued or given back, and used up at once by a deficit")
    redeemed: int
    given_back: int
    clawed_back: int = Field(description="by refunds and corrections")
    expired: int
    outstanding: int = Field(description="what members have when the month ends, holds included")
    by_redeeming_partner: list[RedeemedPoints]


class Settlement(BaseModel):
    """What the partners of a programme owe each other for a month."""

    programme: str = Field(examples=["circle"])
    month: str = Field(examples=["2026-01"])
    from_: datetime = Field(
        alias="from", description="when the month begins in the programme's time zone, UTC"
    )
    until: datetime = Field(description="when it ends, or the present where it is not over, UTC")
    items: list[PartnerSettlement]
