"""Scores as OpenAPI shows them, and as they are sent. Nothing is validated through them at run time."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from services.api.access.purposes import Disclosed, Purpose
from services.api.documents import WITHHELD, CustomerId, Money
from services.projections.analytics.inputs import ScoreInputs
from services.projections.analytics.score import Score
from shared.segment_rules.fields import Lifecycle, LoyaltyType, Quadrant, Tier


class BoughtDay(BaseModel):
    """A purchase day."""

    day: date
    orders: int = Field(ge=1)
    net: list[Money] = Field(description="an amount a currency, refunds taken off")


class LatestAnswer(BaseModel):
    """The latest answer to a survey of the 12 months before."""

    instrument: str
    score: float = Field(description="the mean of the dimensions for SERVQUAL")
    time: datetime


class Inputs(BaseModel):
    """What scores are computed from, as of the time."""

    purchase_days: int = Field(ge=0)
    days: list[BoughtDay] = Field(max_length=100, description="the latest 100, in order")
    orders: int = Field(ge=0)
    orders_with_coupon: int = Field(ge=0)
    answer: LatestAnswer | None
    complained: bool = Field(description="whether a complaint was rejected or reopened")
    open_complaint: bool
    referrals: int = Field(ge=0)
    relationship_ended: date | None


class Scores(BaseModel):
    """What is reckoned of a customer; null is not known, and never 0."""

    recency_days: int | None
    purchase_days: int
    monetary: Money | None
    currency_mixed: bool = Field(
        description="something was bought in a currency without a rate, and does not count"
    )
    r: int | None = Field(ge=1, le=5)
    f: int | None = Field(ge=1, le=5)
    m: int | None = Field(ge=1, le=5)
    x: int | None = Field(description="repeat purchase days")
    t_x: float | None = Field(description="weeks from the first purchase day to the last")
    t: float | None = Field(description="weeks from the first purchase day to `as_of`")
    first_purchase: date | None
    last_purchase: date | None
    p_alive: float | None = Field(description="the probability of being a customer still", ge=0, le=1)
    silent_from: datetime | None
    silence_days: int | None
    usual_gap_days: float | None
    is_out_of_rhythm: bool = Field(description="silent for more than 3 usual gaps")
    clv: Money | None = Field(description="the value expected within `horizon_weeks`, discounted")
    horizon_weeks: int
    value_at_stake: Money | None = Field(description="the same, of who is a customer still")
    margin_12m: Money | None
    tier: Tier | None
    lifecycle: Lifecycle
    quadrant: Quadrant | None
    loyalty_type: LoyaltyType
    coupon_dependence: float | None = Field(ge=0, le=1)
    coupon_dependent: bool | None
    dominant_category: str | None = Field(description="`mixed` where none dominates")


class CustomerScores(BaseModel):
    """The scores of a customer as of a time; null where there are none, or none may be shown, and `reason` says why."""

    customer_id: CustomerId
    as_of: datetime
    run_id: str | None
    run_as_of: datetime | None
    purpose: Purpose
    withheld: list[Disclosed] = Field(description=WITHHELD)
    reason: str | None
    inputs: Inputs | None
    scores: Scores | None
    why: list[str]


class AtRiskCustomer(BaseModel):
    """A customer who is leaving without a word."""

    customer_id: CustomerId
    tier: Tier | None
    silent_from: datetime
    last_purchase: date
    usual_gap_days: float
    silence_days: int
    p_alive: float | None = Field(ge=0, le=1, description="below 0.3 they are probably gone")
    value_at_stake: Money | None
    why: list[str]


class AtRiskPage(BaseModel):
    """One page of customers, those with most at stake first."""

    items: list[AtRiskCustomer] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")
    as_of: datetime
    run_id: str | None
    reason: str | None = Field(description="why there can be nobody, in words")
    withheld: list[Disclosed]


_DEPENDENT = 0.7
_MOST_DAYS = 100
_DIGITS = 6


def amount(value: Decimal | None, currency: str) -> dict[str, str] | None:
    """An amount as it is sent."""
    if value is None:
        return None
    return {"amount": f"{value.normalize():f}", "currency": currency}


def share(value: float | None) -> float | None:
    """A number with six decimals, as it is sent."""
    return None if value is None else round(value, _DIGITS)


def shown_inputs(inputs: ScoreInputs) -> dict[str, Any]:
    """Inputs as they are sent."""
    answer = inputs.satisfaction
    return {
        "purchase_days": len(inputs.days),
        "days": [
            {
                "day": each.day,
                "orders": each.orders,
                "net": [amount(each.net[name], name) for name in sorted(each.net)],
            }
            for each in inputs.days[-_MOST_DAYS:]
        ],
        "orders": inputs.orders,
        "orders_with_coupon": inputs.orders_with_coupon,
        "answer": None
        if answer is None
        else {
            "instrument": answer.instrument,
            "score": round(float(answer.score), _DIGITS),
            "time": answer.time,
        },
        "complained": inputs.complained,
        "open_complaint": inputs.has_open_complaint,
        "referrals": inputs.referrals,
        "relationship_ended": inputs.ended_on,
    }


def shown_scores(score: Score, currency: str, horizon_weeks: int) -> dict[str, Any]:
    """Scores as they are sent."""
    shown = score._asdict()
    for name in ("has_open_complaint", "ended_on"):
        del shown[name]
    for name in ("monetary", "clv", "value_at_stake", "margin_12m"):
        shown[name] = amount(shown[name], currency)
    for name in ("t_x", "t", "p_alive", "usual_gap_days", "coupon_dependence"):
        shown[name] = share(shown[name])
    dependence = score.coupon_dependence
    return {
        **shown,
        "horizon_weeks": horizon_weeks,
        "coupon_dependent": None if dependence is None else dependence >= _DEPENDENT,
    }
