"""What the data of every event type has in common: the customer and the optional context."""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.events.vocabulary import Identifier, PersonalCategory, Reference


def personal(category: PersonalCategory, **bounds: Any) -> Meta:
    """Marks a field as personal data of a category; the codec hands such fields to the field cipher."""
    return Meta(**bounds, extra={"personal": category}, extra_json_schema={"x-personal": category})


class KeyedBy(NamedTuple):
    """What gives an event its order: a complaint, a task, or a member number (the loyalty account)."""

    kind: Literal["complaint", "task", "member"]
    value: str


class EventData(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """The common part of every `data`. Subclasses are the event types, one class a type and version.

    `TYPE` and `VERSION` name the type; `CUSTOMER_REQUIRED` says whether an event without a customer is refused.
    """

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1
    CUSTOMER_REQUIRED: ClassVar[bool] = True

    customer: Annotated[tuple[Identifier, ...], Meta(max_length=20)] | UnsetType = UNSET
    direction: Literal["inbound", "outbound"] | None = None
    staff: Reference | None = None
    location: Annotated[str, Meta(pattern=r"^[^/\s][^/]*(/[^/]+)*$", max_length=256)] | None = None
    conversation_id: Reference | None = None

    def keyed_by(self) -> KeyedBy | None:
        """What orders this event in the log; None means the party of its strongest identifier."""
        return None
