"""Scoring runs as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class PurchaseModel(BaseModel):
    """How often customers buy until they leave, as it was fitted."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float


class SpendModel(BaseModel):
    """What customers spend on a day on which they buy, as it was fitted."""

    p: float
    q: float
    v: float
    log_likelihood: float


class FittedModels(BaseModel):
    """What was fitted; null where it could not be, and `notes` say why."""

    bg_nbd: PurchaseModel | None
    mbg_nbd: PurchaseModel | None
    gamma_gamma: SpendModel | None


class Cuts(BaseModel):
    """The values between two scores, ascending."""

    recency: list[float]
    frequency: list[float]
    monetary: list[float]


class RuleOutcome(BaseModel):
    """How often a rule about who is leaving was right in the past."""

    rule: str = Field(examples=["mbg_0.5"])
    customers: int = Field(ge=0)
    gone: int = Field(ge=0)
    flagged: int = Field(ge=0)
    right: int = Field(ge=0)
    precision: float | None = Field(description="`right` of `flagged`; null where nobody was flagged")
    recall: float | None = Field(description="`right` of `gone`; null where nobody was gone")


class Backtest(BaseModel):
    """What the run would have said in the past, held against what happened since."""

    sentence: str = Field(examples=["52 % right against a base of 34 %; finds 51 %"])
    rules: list[RuleOutcome]


class ScoringRun(BaseModel):
    """A scoring run: everything that scores of single customers are computed with."""

    run_id: str
    as_of: datetime = Field(description="events up to this time counted")
    position: str = Field(description="what the run had read", examples=["0:17,5:4"])
    completed_at: datetime
    customers: int = Field(ge=0)
    parameters: FittedModels
    cuts: Cuts | None
    backtest: Backtest | None
    settings: dict[str, Any] | None = Field(
        description="what the run was told: zone, currency, margin and others"
    )
    figures: dict[str, Any] | None = Field(
        description="of all customers together: cuts of tiers, medians, counts"
    )
    notes: list[str] = Field(description="what could not be computed, and why")


class ScoringRunPage(BaseModel):
    """One page of runs, the latest `as_of` first."""

    items: list[ScoringRun] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")
