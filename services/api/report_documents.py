"""OpenAPI documents of the reports on all customers together."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.projections.analytics.contact_queries import MOST_CELLS
from services.projections.analytics.satisfaction_queries import MOST_GROUPS
from shared.events.interaction import InteractionCategory
from shared.events.vocabulary import Channel


class NetPromoterScore(BaseModel):
    """Who would recommend: the latest answer of each customer."""

    customers: int = Field(ge=0, description="how many answered")
    promoters: int = Field(ge=0, description="of these, who answered 9 or 10")
    passives: int = Field(ge=0, description="7 or 8")
    detractors: int = Field(ge=0, description="0 to 6")
    score: float | None = Field(
        description="100 x (promoters - detractors) / customers; null where nobody answered"
    )
    standard_error: float | None = Field(
        description="of the score: two scores that are less than two of these apart may as well be the same"
    )


class CustomerSatisfaction(BaseModel):
    """Answers from 1 to 5."""

    answers: int = Field(ge=0)
    satisfied: int = Field(ge=0, description="of these, 4 and 5")
    share: float | None = Field(description="satisfied / answers; null where nobody answered")
    mean: float | None


class QualityDimension(BaseModel):
    """One dimension of service quality, 1 to 7."""

    dimension: Literal["reliability", "tangibles", "responsiveness", "assurance", "empathy"]
    perception: float
    expectation: float | None
    gap: float | None = Field(
        description="perception less expectation; null where expectations were not asked for"
    )


class ServiceQualityFigures(BaseModel):
    """Answers with expectations are SERVQUAL, those without are performance alone, SERVPERF."""

    label: Literal["SERVQUAL", "SERVPERF"]
    answers: int = Field(ge=1)
    perception: float = Field(description="the mean of the five")
    gap: float | None = Field(description="the mean of the five")
    dimensions: list[QualityDimension] = Field(min_length=5, max_length=5)


class SatisfactionGroup(BaseModel):
    """Answers that have something in common: the member that `by` names, which may be null."""

    channel: Channel | None = None
    location: str | None = None
    staff: str | None = None
    about: str | None = None
    nps: NetPromoterScore
    csat: CustomerSatisfaction
    service_quality: list[ServiceQualityFigures] = Field(max_length=2)


class SatisfactionReport(BaseModel):
    """What customers answered in a time."""

    from_: datetime = Field(alias="from")
    to: datetime
    as_of: datetime
    by: Literal["channel", "location", "staff", "about"] | None
    items: list[SatisfactionGroup] = Field(max_length=MOST_GROUPS, description="most answers first")
    left_out: int = Field(ge=0, description="how many smaller groups there are besides")


class FirstContacts(BaseModel):
    """Of the matters that customers came with, those that one contact settled."""

    matters: int = Field(ge=0, description="decided ones; `pending` are none of them")
    settled: int = Field(ge=0, description="of these, by one contact, and no complaint was opened meanwhile")
    pending: int = Field(ge=0, description="one contact so far, and the seven days after it have not passed")
    share: float | None = Field(description="settled / matters; null where none is decided")


class FirstContactGroup(FirstContacts):
    """Matters that have in common what `by` names of their first contact."""

    category: InteractionCategory | None = None
    channel: Channel | None = None
    location: str | None = None


class ContactCell(BaseModel):
    """Contacts that have in common what `by` names; a member that `by` does not name is absent."""

    time: datetime | None = Field(default=None, description="the beginning of a quarter of an hour, UTC")
    category: InteractionCategory | None = None
    channel: Channel | None = None
    direction: Literal["inbound", "outbound"] | None = None
    location: str | None = None
    contacts: int = Field(ge=1)
    duration_seconds: int = Field(ge=0, description="of those whose duration is known")
    with_duration: int = Field(ge=0, description="how many these are")
    mean_duration_seconds: float | None


class ContactCentreReport(BaseModel):
    """How many contacts there were and how long they took, and how many matters were settled by the first."""

    from_: datetime = Field(alias="from")
    to: datetime
    by: list[Literal["time", "category", "channel", "direction", "location"]]
    items: list[ContactCell] = Field(
        max_length=MOST_CELLS, description="by time where `by` names it, else most contacts first"
    )
    left_out: int = Field(ge=0, description="how many more there are")
    first_contact: FirstContacts
    first_contact_by: list[FirstContactGroup] = Field(
        max_length=MOST_CELLS,
        description="by what `by` names of category, channel and location; empty where it names none of them",
    )


class Money(BaseModel):
    """An amount as a decimal string, and its currency."""

    amount: str
    currency: str


class LostCustomersAnswer(BaseModel):
    """What customers who left would have spent."""

    lost: int
    weekly_spend: Money
    years: int
    revenue_a_year: Money
    revenue: Money


class CustomersInYear(BaseModel):
    """How many customers there are after so many years."""

    year: int
    customers: float = Field(description="to six significant digits")


class GrowthAnswer(BaseModel):
    """What a number of customers grows or shrinks to."""

    customers: int
    retention: str
    gain: str
    years: int
    factor: float = Field(
        description="(retention + gain) to the power of the years, to six significant digits"
    )
    by_year: list[CustomersInYear] = Field(max_length=101)


class RivalsAnswer(BaseModel):
    """What two shops are left with when one loses customers to the other."""

    customers: int
    lost: int
    left: int = Field(ge=0)
    rival: int
    profit_ratio: float | None = Field(description="the rival's customers to one of the loser's")


class WhatIf(BaseModel):
    """The answers by question, with their assumptions; null for what was not asked."""

    lost_customers: LostCustomersAnswer | None
    growth: GrowthAnswer | None
    rivals: RivalsAnswer | None
