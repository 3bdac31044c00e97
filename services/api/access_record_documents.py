"""The access record as OpenAPI shows it. Nothing is validated through it at run time."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.api.access.purposes import Disclosed, Purpose


class AccessRecord(BaseModel):
    """Somebody read personal data of somebody."""

    time: datetime
    reader: str = Field(
        description="`key:ID`, `subject:SUB` of the issuer's tokens, or `anybody` before the first key",
        examples=["key:mzxw6ytboi2tcmrt"],
    )
    customer: str = Field(
        description="the customer by id; or `complaint:ID` or `task:ID`, where that names nobody",
        examples=["cus_4sgz4wqcsr2v7ncj5hrsd2otlu"],
    )
    purpose: Purpose
    categories: list[Disclosed] = Field(description="what was shown")
    call: str = Field(examples=["/v1/customers/{id}/timeline"])


class AccessRecordPage(BaseModel):
    """One page of the record, newest first."""

    items: list[AccessRecord] = Field(max_length=200)
    next_cursor: str | None = Field(description="asks for the next page with `cursor`; null on the last one")
