"""OpenAPI documents of the report on win-back campaigns."""

from datetime import datetime

from pydantic import BaseModel, Field


class WinBackArm(BaseModel):
    """Customers who were lapsed before, and what became of them; amounts in the base currency."""

    customers: int = Field(ge=0)
    returned: int = Field(ge=0, description="of these, those who bought in their time")
    share: float | None = Field(description="returned / customers; null of nobody")
    net: str = Field(description="what they paid in their time, refunds taken off")
    net_per_customer: str | None
    discounts: str = Field(description="how much less that was than at list prices, where these are known")
    still_open: int = Field(ge=0, description="of the customers, those whose time is not over")


class WinBack(BaseModel):
    """What a campaign to lapsed customers came to, beside those who were left out of it."""

    campaign: str
    run_id: str = Field(description="the scoring run that says who was lapsed")
    run_as_of: datetime
    began: datetime = Field(description="the first contact of the campaign")
    days: int = Field(description="for how many days after a contact a purchase counts")
    base_currency: str
    currency_mixed: bool = Field(
        description="whether something was paid in a currency without a rate, and left out"
    )
    contacts: int = Field(ge=0, description="contacts made with those who are `contacted`")
    contacted: WinBackArm
    control: WinBackArm = Field(
        description="one in ten by a hash of customer and campaign, at most 5,000 of them, who were not contacted"
    )
    control_from: datetime = Field(
        description="the middle of the first contacts, from which the control's time runs"
    )
    not_lapsed: int = Field(
        ge=0, description="customers contacted who were not lapsed at the run; in neither group"
    )
    control_contacted: int = Field(
        ge=0, description="customers contacted although they are of the control; in neither group"
    )
    cost_per_contact: str
    contact_cost: str
    uplift: float | None = Field(
        description="share of the contacted less that of the control; null without either"
    )
    standard_error: float | None = Field(
        description="of the uplift: less than two of it are chance as likely as not"
    )
    extra_customers: float | None = Field(description="who came back beyond what the control leads to expect")
    extra_net: str | None
    result: str | None = Field(description="the margin of `extra_net`, less `contact_cost`")
    reason: str | None = Field(description="why nothing can be compared")
