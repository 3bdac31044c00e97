"""The shapes of answers about tasks as OpenAPI shows them. Nothing is validated through them at run time."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.api.complaint_documents import CaseAssignee
from services.api.documents import WITHHELD, CustomerId, PartyId
from services.projections.tasks.task import TaskStatus
from shared.events.vocabulary import Channel, PersonalCategory


class Task(BaseModel):
    """Something that staff have to do by a time."""

    task_id: str = Field(examples=["T-77"])
    customer_id: CustomerId | None
    party_id: PartyId | None
    complaint_id: str | None = Field(description="the complaint it was made for")
    caused_by: str | None = Field(description="the `causeid` of the event that made it")
    title: str | None = Field(description="what is to be done; null where it is withheld, or gone")
    status: TaskStatus
    assignee: CaseAssignee | None
    due_at: datetime
    overdue: bool = Field(description="whether it is open and past due at the time of the answer")
    outcome: str | None
    channel: Channel
    location: str | None
    created_at: datetime
    ended_at: datetime | None


class TaskPage(BaseModel):
    """One page of tasks, soonest due first."""

    items: list[Task] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")
    withheld: list[PersonalCategory] = Field(description=WITHHELD)
