"""What the data of every event type has in common: the customer and the optional context."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.events.vocabulary import END, Identifier, PersonalCategory, Reference, of_form, outside_history

LOCATION_PATTERN = r"^[^/\s][^/]*(/[^/]+)*" + END
Location = Annotated[
    str, of_form(LOCATION_PATTERN, "not a slash path of units, widest first, such as hq/guangdong/gz-03", 256)
]


def personal(category: PersonalCategory) -> Meta:
    """Marks a field as personal data of a category; the codec hands such fields to the field cipher.

    In a recorded event such a field may hold a sealed value instead (`shared.events.sealed`): a text,
    whatever the field's type. Projections carry it on and never look into it.
    """
    return Meta(extra={"personal": category}, extra_json_schema={"x-personal": category})


class BrokenRuleError(ValueError):
    """A rule that joins several fields, or that a type cannot say, is broken at `path` (dotted, from the
    struct).
    """

    def __init__(self, path: str, reason: str, *, code: str = "schema_violation") -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.code = code


def refuse_time_outside_history(path: str, time: datetime | UnsetType | None) -> None:
    """Raises `BrokenRuleError` for a time before 1900 or beyond 9999 in UTC; absent times pass."""
    if isinstance(time, datetime) and outside_history(time):
        raise BrokenRuleError(path, "a time must lie between 1900 and 9999 in UTC")


class KeyedBy(NamedTuple):
    """What gives an event its order: a complaint, a task, a member number (the loyalty account), or, for what is
    nobody's, a scoring run or a segment.
    """

    kind: Literal["complaint", "task", "member", "run", "segment"]
    value: str


class EventData(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """The common part of every `data`. Subclasses are the event types, one class a type and version.

    `TYPE` and `VERSION` name the type; `CUSTOMER_REQUIRED` says whether an event without a customer is
    refused, `CUSTOMER_ALLOWED` whether one with a customer is taken. `SOURCE` is the only source that the
    event is taken from, where it is Rapport's own.
    `LIFTED` names the fields that a posted event has in `data` and a recorded one beside it.
    `SCHEMA_RULES` words, in JSON Schema, what `__post_init__` checks beyond the field types.
    """

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1
    CUSTOMER_REQUIRED: ClassVar[bool] = True
    CUSTOMER_ALLOWED: ClassVar[bool] = True
    SOURCE: ClassVar[str | None] = None
    LIFTED: ClassVar[tuple[str, ...]] = ("customer",)
    SCHEMA_RULES: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    customer: Annotated[tuple[Identifier, ...], Meta(max_length=20)] | UnsetType = UNSET
    direction: Literal["inbound", "outbound"] | None = None
    staff: Reference | None = None
    location: Location | None = None
    conversation_id: Reference | None = None

    def keyed_by(self) -> KeyedBy | None:
        """What orders this event in the log; None means the party of its strongest identifier."""
        return None


class Part(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A named group of fields inside an event's data."""
