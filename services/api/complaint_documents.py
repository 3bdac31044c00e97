"""The shapes of answers about complaints as OpenAPI shows them. Nothing is validated through them at run time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.api.documents import WITHHELD, CustomerId, Money, PartyId
from services.projections.complaints.clocks import ClockName, ClockStatus
from services.projections.complaints.pauses import PauseReason
from services.projections.complaints.queries import MOST_ANOMALIES, MOST_GRANTS, MOST_HISTORY
from services.projections.complaints.reading import MOST_PAUSES
from services.projections.complaints.report_queries import MOST_GROUPS
from services.projections.complaints.states import State
from shared.events.complaint import Cause, CompensationKind, HandlingFault, Level, Resolution, Severity
from shared.events.vocabulary import Channel, PersonalCategory


class CaseAssignee(BaseModel):
    """Who has it: a person, a department, or both."""

    person: str | None
    department: str | None


class ClockPause(BaseModel):
    """A stretch of time in which a clock stood still. Closed hours are none: they never count in the first place."""

    started_at: datetime | None = Field(
        description="null where it goes on, and began more than 10,000 events ago"
    )
    ended_at: datetime | None = Field(description="null while it goes on")
    reason: PauseReason
    working_seconds: int | None = Field(
        ge=0,
        description="how much of it was working time, until now where it goes on: by so much it moves the deadline",
    )


class ComplaintClock(BaseModel):
    """A deadline and how it stands. It says what holds at the time of the answer; nothing ticks."""

    name: ClockName
    round: int = Field(ge=1, description="1, and one more with each reopening")
    target_seconds: int = Field(ge=0, description="working time; for `final_response`, calendar time")
    elapsed_seconds: int = Field(ge=0, description="of it, pauses left out")
    started_at: datetime
    due_at: datetime | None = Field(description="null while it is paused with time left")
    ended_at: datetime | None
    status: ClockStatus = Field(
        description="`met` and `missed` have ended; `breached` has not, and is past due"
    )
    escalated: bool = Field(
        description="whether the level rose because it was past due; what people escalate is no clock's"
    )
    open_pause: ClockPause | None = Field(
        description="the pause that it is in; a clock that was past due before it is `breached` all the same"
    )


class CaseClock(ComplaintClock):
    """A clock with its pauses: from start to end it is `elapsed_seconds`, the pauses' working time and closed hours."""

    pauses: list[ClockPause] = Field(
        max_length=MOST_PAUSES, description="the newest, in their order; only `resolution` ever pauses"
    )
    pauses_left_out: int = Field(
        ge=0, description="how many came before, in the newest 10,000 events of the complaint"
    )


class Compensation(BaseModel):
    """What the customer was given, added up by kind and currency."""

    model_config = ConfigDict(extra="allow")

    kind: CompensationKind


class ComplaintHistoryItem(BaseModel):
    """An event of a complaint. Some types say more: `assignee`, `level`, `to_level`, `reason`, `resolution`, …"""

    model_config = ConfigDict(extra="allow")

    event_id: str
    source: str
    type: str = Field(examples=["complaint.opened"])
    time: datetime
    state_after: State | None
    level_after: Level | None
    anomaly: str | None = Field(description="why it changed nothing, or `time_went_back`")
    applied: bool = Field(description="whether it changed the complaint, or may have")
    staff: str | None


class ComplaintAnomaly(BaseModel):
    """Something about an event that was not as it should be."""

    event_id: str
    source: str
    code: str = Field(examples=["not_allowed_in_closed"])
    detail: str


class GrantedPoints(BaseModel):
    """Points that an account was granted for the complaint, by a correction whose `causeid` is the complaint's id."""

    event_id: str
    source: str
    time: datetime
    account_id: str
    points: int


class ListedComplaint(BaseModel):
    """A complaint as lists show it, with the clocks of its present round."""

    complaint_id: str = Field(examples=["C-2041"])
    customer_id: CustomerId
    party_id: PartyId
    state: State
    cause: Cause
    severity: Severity
    level: Level
    channel: Channel
    location: str | None
    order_id: str | None
    claim: Money | None
    caused_by: str | None = Field(description="the `causeid` of the event that opened it")
    policy: str
    policy_version: str = Field(description="of the policies it was opened under, by which it is judged")
    round: int = Field(ge=1)
    reopened: int = Field(ge=0)
    resolution: Resolution | None
    handling_fault: HandlingFault | None
    on_time: bool | None = Field(
        description="whether every round was resolved in time; null before the first is"
    )
    compensation: list[Compensation]
    assignee: CaseAssignee | None
    opened_at: datetime
    resolved_at: datetime | None
    next_due_at: datetime | None = Field(description="the earliest deadline of clocks that have not ended")
    clocks: Sequence[ComplaintClock]


class ComplaintPage(BaseModel):
    """One page of complaints."""

    items: list[ListedComplaint] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")


class Complaint(ListedComplaint):
    """A complaint at a time, with the clocks of all rounds."""

    clocks: Sequence[CaseClock]
    as_of: datetime = Field(description="the time that it is shown at, UTC")
    summary: str | None = Field(description="what the customer said; null where it is withheld, or gone")
    description: str | None
    desired_outcome: Any
    history: list[ComplaintHistoryItem] = Field(
        max_length=MOST_HISTORY, description="the newest part of it, in log order"
    )
    history_count: int = Field(ge=1, description="how long it is altogether")
    anomalies: list[ComplaintAnomaly] = Field(
        max_length=MOST_ANOMALIES, description="the newest, in log order"
    )
    granted_points: list[GrantedPoints] = Field(max_length=MOST_GRANTS, description="the newest, by time")
    withheld: list[PersonalCategory] = Field(description=WITHHELD)


class ComplaintHistoryPage(BaseModel):
    """One page of a complaint's history."""

    items: list[ComplaintHistoryItem] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")


class ComplaintGroup(BaseModel):
    """The figures of complaints that have something in common: the member that `by` names, which may be null."""

    cause: Cause | None = None
    location: str | None = None
    channel: Channel | None = None
    handling_fault: HandlingFault | None = None
    level: Level | None = None
    opened: int = Field(ge=1)
    resolved: int = Field(ge=0, description="of these, those that are resolved now")
    on_time: int = Field(ge=0, description="of the resolved, those that were in time in every round")
    reopened: int = Field(ge=0, description="of the opened, those that were ever reopened")
    median_working_seconds: int | None = Field(description="to resolve, all rounds together, pauses left out")
    p90_working_seconds: int | None


class ComplaintReport(BaseModel):
    """What became of the complaints opened in a time, by one of their properties."""

    from_: datetime = Field(alias="from")
    to: datetime
    by: Literal["cause", "location", "channel", "handling_fault", "level"]
    items: list[ComplaintGroup] = Field(max_length=MOST_GROUPS, description="most complaints first")
    left_out: int = Field(ge=0, description="how many smaller groups there are besides")
