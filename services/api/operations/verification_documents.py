"""What comparing a view with the log came to, as documents and as OpenAPI shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.projections.sight.verifications import Verification

_NO_RESULT = "null without a result"


class DifferingRow(BaseModel):
    """A row that is not what the log says, by its key: `changed`, `missing` for readers, or `extra` there."""

    table: str
    key: dict[str, Any]
    how: Literal["changed", "missing", "extra"]


class VerificationOfView(BaseModel):
    """A comparison of the rows that readers saw with rows made anew from the log, at one position."""

    generation: int = Field(description="that readers saw")
    occasion: Literal["verification", "rebuild"]
    begun_by: str | None = Field(description="who, null where that is not known")
    job: int | None = Field(description="the job that it was ordered by")
    begun_at: datetime
    ended_at: datetime | None
    state: Literal["running", "equal", "differing", "cut_off"]
    reason: str | None = Field(description="why it was cut off; null too where its process was killed")
    recomputed: int | None = Field(description="the generation made anew, which a rebuild keeps")
    position: str | None = Field(description=f"up to where both were; {_NO_RESULT}", examples=["0:17,5:4"])
    rows: int | None = Field(description=f"rows that the log makes; {_NO_RESULT}")
    differing: int | None = Field(description=_NO_RESULT)
    keys: list[DifferingRow] = Field(max_length=20, description="the first that differ")


def verification_document(found: Verification) -> dict[str, Any]:
    """A verification as a document."""
    document = found._asdict()
    del document["number"], document["view"]
    return document
