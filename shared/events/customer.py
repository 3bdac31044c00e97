"""What a customer tells about themselves, and their wish to be forgotten."""

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from shared.events.data import BrokenRuleError, EventData, Part, personal
from shared.events.sealed import is_sealed
from shared.events.vocabulary import END, FlatMap, Label, LongText, Reference, ShortText, of_form

BIRTHDAY_PATTERN = r"^([0-9]{4}|-)-[0-9]{2}-[0-9]{2}" + END
LANGUAGE_PATTERN = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*" + END
Language = Annotated[str, of_form(LANGUAGE_PATTERN, "not a language tag such as th or de-CH", 35)]
Birthday = Annotated[str, of_form(BIRTHDAY_PATTERN, "not YYYY-MM-DD, or --MM-DD without the year")]
_ANY_LEAP_YEAR = "2000"


class CustomerAttributes(Part, frozen=True, kw_only=True):
    """Attributes to set; null removes one, an absent one stays as it is. At least one is named.

    `language` is a BCP 47 tag. `birthday` is `YYYY-MM-DD`, or `--MM-DD` where the year is not known.
    """

    name: Annotated[ShortText, personal("identity")] | UnsetType | None = UNSET
    salutation: Label | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    birthday: Annotated[Birthday, personal("identity")] | UnsetType | None = UNSET
    address: Annotated[ShortText, personal("contact")] | UnsetType | None = UNSET
    company: ShortText | UnsetType | None = UNSET
    preferences: Annotated[FlatMap, personal("preference")] | UnsetType | None = UNSET
    dietary: Annotated[ShortText, personal("health")] | UnsetType | None = UNSET
    health_notes: Annotated[LongText, personal("health")] | UnsetType | None = UNSET
    tags: Annotated[tuple[Label, ...], Meta(max_length=50)] | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` for a day that no calendar has."""
        if isinstance(self.birthday, str) and not is_sealed(self.birthday):
            try:
                date.fromisoformat(self.birthday.replace("--", f"{_ANY_LEAP_YEAR}-", 1))
            except ValueError:
                raise BrokenRuleError("birthday", "not a day of the calendar") from None


class CustomerDescribed(EventData, frozen=True, kw_only=True):
    """Somebody told, or staff learned, what a customer is like; the latest word on each attribute counts."""

    TYPE = "customer.described"
    SCHEMA_RULES = ({"properties": {"attributes": {"minProperties": 1}}},)

    attributes: CustomerAttributes

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` when no attribute is named."""
        if self.attributes == CustomerAttributes():
            raise BrokenRuleError("attributes", "names no attribute")


class CustomerErasureRequested(EventData, frozen=True, kw_only=True):
    """A customer asked for their personal data to be erased. `request_id` is the number of that request."""

    # Posted by a channel it is but a request: what makes it an erasure is said in services/projections/erasure.py.

    TYPE = "customer.erasure_requested"

    request_id: Reference
    reason: ShortText | None = None
