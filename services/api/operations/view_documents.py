"""The shapes of answers about views as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.api.operations.sample import STEPS
from services.api.operations.verification_documents import VerificationOfView
from services.projections.sight.verifications import KEPT

ViewName = Annotated[str, Field(examples=["timeline"])]
State = Literal["building", "ready", "live", "paused", "outdated", "retired"]
ByPartition = Annotated[dict[str, int], Field(examples=[{"0": 17, "1": 4}])]
_UNKNOWN = "null where that is not known"


class AppliedLast(BaseModel):
    """The event that a view took last, of all partitions the one recorded last."""

    partition: int
    offset: int = Field(ge=0)
    type: str
    recorded_time: datetime = Field(description="when Rapport accepted it, UTC")


class ProgressInPartition(BaseModel):
    """Events of a partition that a generation has taken up, of those there were."""

    done: int
    total: int


class RebuildProgress(BaseModel):
    """A generation that is being made."""

    generation: int
    version: int
    done: int = Field(description="events taken up")
    total: int = Field(description="events to take up")
    rate: float = Field(description="events a second; 0 once it stood still for a minute")
    standstill_seconds: float = Field(description="since progress was last noted")
    eta_seconds: float | None = Field(description="time left at that rate; null where nothing moves")
    partitions: dict[str, ProgressInPartition]


class LagHistory(BaseModel):
    """The last quarter of an hour as all API processes together saw it, oldest first: the worst of each step."""

    step_seconds: int
    lag_events: list[int | None] = Field(max_length=STEPS, description=_UNKNOWN)
    lag_seconds: list[float | None] = Field(max_length=STEPS, description=_UNKNOWN)


class OperatedView(BaseModel):
    """A view: the generation that readers see, how far behind the log, and what is being made of it."""

    name: ViewName
    generation: int | None = Field(description="null where readers see none yet")
    version: int | None
    state: State | None
    positions: ByPartition = Field(description="for each partition the offset of the next event")
    lag_events: int | None = Field(ge=0, description=f"events not yet applied; {_UNKNOWN}")
    lag_seconds: float | None = Field(ge=0, description=f"how long the oldest of them waits; {_UNKNOWN}")
    rate: float | None = Field(description=f"events a second, over half a minute; {_UNKNOWN}")
    last_applied: AppliedLast | None
    parked_keys: int = Field(
        description="stream keys with events that wait to be redriven, counted to 10,000 events"
    )
    discarded: int = Field(description="parked events that were discarded")
    redriven: int = Field(description="parked events that were taken when redriven")
    building: list[RebuildProgress]
    history: LagHistory


class AroundViews(BaseModel):
    """What answers about views begin with."""

    as_of: datetime
    log_error: str | None = Field(description="why the log's end is not known, so that lags are null")
    partitions_total: int | None = Field(description="null before the first event")
    partitions_unheld: int = Field(description="partitions that no projection process works on")


class Overview(AroundViews):
    """All views."""

    views: list[OperatedView]
    undecodable: int = Field(description="records that no view could read, parked for all of them")
    head: ByPartition = Field(description="where the log ends; empty where that is not known")


class PartitionOfView(BaseModel):
    """Where a view stands in one partition; `end` and `lag_events` are null where the log does not tell."""

    partition: int
    position: int
    end: int | None
    lag_events: int | None


class GenerationOfView(BaseModel):
    """A generation that there is."""

    generation: int
    version: int
    state: State
    created_at: datetime
    switched_at: datetime | None = Field(description="when readers were last pointed to it")
    switch_refused: str | None = Field(description="why it cannot be switched to; null where it can")


class RollBack(BaseModel):
    """The generation that readers saw before; `refused` says why they cannot see it again, null where they can."""

    generation: int | None
    refused: str | None


class ViewDetail(AroundViews):
    """One view, partition by partition, with every generation that there is, and its last verifications."""

    view: OperatedView
    partitions: list[PartitionOfView]
    generations: list[GenerationOfView]
    roll_back: RollBack
    verification: VerificationOfView | None = Field(description="the newest, null where there was none")
    verifications: list[VerificationOfView] = Field(max_length=KEPT, description="newest first")
    verify_refused: str | None = Field(description="why none can be ordered; null where one can")
