"""The shape of the recognition card as OpenAPI shows it. Nothing is validated through it at run time."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from services.api.access.purposes import Disclosed, Purpose
from services.api.card.found import DUE_DAYS, MOST_CASES
from services.api.card.notices import MOST_NOTICES
from services.api.documents import CustomerId, Money
from services.projections.complaints.states import State
from services.projections.loyalty.standing import MOST_ACCOUNTS
from services.projections.read_models.bought_items import FAVOURITES
from services.projections.recognition.birthday import SOON_DAYS
from shared.events.complaint import Cause, Level, Severity
from shared.events.consent import ConsentPurpose
from shared.events.vocabulary import Channel
from shared.segment_rules.fields import Lifecycle, LoyaltyType, Tier


class CardAccount(BaseModel):
    """A loyalty account as it stands now."""

    account_id: str = Field(examples=["M1024"])
    programme: str
    tier: str = Field(examples=["gold"], description="`base` where none is held")
    available_points: int = Field(ge=0)


class Ago(BaseModel):
    """How long ago, in whole years and the days since the last of them."""

    years: int = Field(ge=0)
    days: int = Field(ge=0, le=365)


class LastVisit(BaseModel):
    """The last visit."""

    time: datetime
    location: str | None
    details: dict[str, str | int | bool] | None = Field(
        description="what was noted, such as the seat and the menu", examples=[{"seat": "terrace 4"}]
    )
    days_ago: int = Field(ge=0)
    ago: Ago


class Favourite(BaseModel):
    """An item and how many of it were bought; refunds, which name no items, are not taken off."""

    sku: str
    description: str | None
    quantity: int | str = Field(description="pieces, or an exact decimal where some were weighed")


class ComingBirthday(BaseModel):
    """A birthday that is near; whoever was born on 29 February has it on the 28th in common years."""

    in_days: int = Field(ge=0, le=SOON_DAYS, description="0 today")


class CardComplaint(BaseModel):
    """A complaint that is not resolved yet."""

    complaint_id: str
    state: State
    cause: Cause
    severity: Severity
    level: Level
    opened_at: datetime
    next_due_at: datetime | None = Field(description="null while no clock of it runs")
    overdue: bool


class CardTask(BaseModel):
    """An open task that is due."""

    task_id: str
    complaint_id: str | None
    title: Any = Field(description="free text: null where the purpose does not open that, or its key is gone")
    due_at: datetime
    overdue: bool


class PriceNotKept(BaseModel):
    """The latest order that charged more than had been promised, and how many did."""

    order_id: str
    time: datetime
    promised: Money
    charged: Money
    orders: int = Field(ge=1)


class Notice(BaseModel):
    """Something that staff should know, in words."""

    code: str = Field(examples=["complaint_overdue"])
    detail: str
    time: datetime | None = Field(description="when it happened, or was due")
    about: dict[str, str] = Field(
        description="what it is about, by id", examples=[{"complaint_id": "C-2041"}]
    )


class CardSilence(BaseModel):
    """A silence that the customer's rhythm does not explain."""

    days: int = Field(ge=0, description="since the last purchase day")
    usual_gap_days: float | None
    last_purchase: date
    reason: str = Field(examples=["Has not bought for 92 days, and usually comes every 30 days."])


class RecognitionCard(BaseModel):
    """What front-line staff should know of a customer. Null means not known, or not opened: see `withheld`."""

    customer_id: CustomerId
    purpose: Purpose
    withheld: list[Disclosed] = Field(
        description="categories that the purpose does not open, whether there is anything of theirs or not"
    )
    name: str | None = Field(description="identity")
    salutation: str | None
    language: str | None = Field(description="a BCP 47 tag", examples=["th"])
    company: str | None
    tags: list[str] | None
    preferences: dict[str, Any] | None = Field(description="preference")
    address: str | None = Field(description="contact")
    dietary: str | None = Field(description="health")
    health_notes: str | None = Field(description="health")
    tier: str | None = Field(
        description="of the first of `accounts`; null without an account", examples=["gold"]
    )
    available_points: int | None = Field(description="of the first of `accounts`")
    value_tier: Tier | None = Field(
        description="scores, as the three after it; by what the customer is worth, not by points"
    )
    lifecycle: Lifecycle | None = Field(description="the stage of the relationship")
    loyalty_type: LoyaltyType | None = Field(description="loyalty against satisfaction")
    silence: CardSilence | None
    scores_reason: str | None = Field(description="why none of these four are shown, in words")
    accounts: list[CardAccount] = Field(
        max_length=MOST_ACCOUNTS, description="the highest tier first, then the most points"
    )
    last_visit: LastVisit | None
    lapsed_years: int | None = Field(
        ge=1,
        description="whole years without a contact that was not outbound; null below one, or without any",
    )
    last_contact: dict[Channel, datetime] = Field(
        description="by channel, in either direction", examples=[{"phone": "2026-01-31T08:15:00Z"}]
    )
    favourites: list[Favourite] = Field(
        max_length=FAVOURITES, description="the items bought most, most first"
    )
    birthday: ComingBirthday | None = Field(
        description=f"identity; where it is today or within {SOON_DAYS} days"
    )
    open_complaints: list[CardComplaint] = Field(
        max_length=MOST_CASES, description="soonest deadline first, those without one last"
    )
    tasks_due: list[CardTask] = Field(
        max_length=MOST_CASES,
        description=f"open tasks due within {DUE_DAYS} days or past due, soonest first; those of complaints too",
    )
    price_kept: bool | None = Field(
        description="false when a purchase charged more than had been promised; null where nothing was promised"
    )
    price_not_kept: PriceNotKept | None
    consents: dict[ConsentPurpose, bool] = Field(
        description="words on all channels; a purpose without one is left out", examples=[{"marketing": True}]
    )
    consents_by_channel: dict[ConsentPurpose, dict[Channel, bool]] = Field(
        description="what holds on channels that had a word of their own",
        examples=[{"marketing": {"sms": False}}],
    )
    notices: list[Notice] = Field(max_length=MOST_NOTICES)
