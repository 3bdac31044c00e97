"""Distributions as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.projections.analytics.distributions import MOST_BINS, MOST_KINDS, MOST_STEPS


class DistributionBin(BaseModel):
    """Customers from a value on and below another."""

    model_config = {"populate_by_name": True}

    from_: float = Field(alias="from")
    to: float | None = Field(description="null: and more")
    customers: int = Field(ge=0)


class DistributionKind(BaseModel):
    """Customers of a kind."""

    name: str
    customers: int = Field(ge=0)


class DistributionPoint(BaseModel):
    """What the best customers hold, in shares of all."""

    customers: float = Field(ge=0, le=1)
    value: float = Field(ge=0, le=1)


class DistributionStep(BaseModel):
    """How many are silent from a day on."""

    day: date
    customers: int = Field(ge=0)


class Distribution(BaseModel):
    """How customers are spread over a measure. One of `bins`, `kinds`, `points` and `steps` is there."""

    measure: str
    kind: Literal["bins", "kinds", "points", "steps"]
    title: str
    unit: str | None = Field(description="of what is counted by: days, or a currency", examples=["EUR"])
    run_id: str
    as_of: datetime
    customers: int = Field(ge=0)
    unknown: int = Field(
        ge=0, description="those of whom it is not known; for silence, those whose lies far ahead"
    )
    told: str = Field(description="it in a sentence, which is the picture's text alternative too")
    bins: list[DistributionBin] | None = Field(default=None, max_length=MOST_BINS + 2)
    kinds: list[DistributionKind] | None = Field(default=None, max_length=MOST_KINDS + 1)
    points: list[DistributionPoint] | None = Field(default=None, max_length=101)
    steps: list[DistributionStep] | None = Field(default=None, max_length=MOST_STEPS)
