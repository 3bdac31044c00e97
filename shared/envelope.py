"""The three forms of an event on its way: as posted, as written to the log, as a projection sees it."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Raw, Struct

from shared.events.data import EventData, refuse_time_outside_history
from shared.events.vocabulary import END, AwareDatetime, Channel, IdentifierType, of_form

__all__ = ["AwareDatetime", "LogValue", "PostedEvent", "RecordedEvent", "RecordedIdentifier"]

EventId = Annotated[str, Meta(min_length=1, max_length=128)]
SourceUri = Annotated[
    str,
    of_form(r"^[^\s<>\"\\^`{|}]+" + END, "not a URI reference such as /store/bkk-01/pos-3", 512),
]
"""A URI-reference: no white space and none of the characters that RFC 3986 leaves out."""
EventTypeName = Annotated[str, Meta(min_length=1, max_length=128)]
TraceParent = Annotated[
    str,
    of_form(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?" + END, "not a W3C trace parent", 256),
]
CauseId = Annotated[str, Meta(min_length=1, max_length=256)]


class PostedEvent(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A CloudEvents 1.0 event in JSON format as channel systems post it; `data` is decoded by its type later.

    `subject` and `tracestate` are attributes that CloudEvents senders add by themselves: taken, and not
    recorded.
    """

    specversion: Literal["1.0"]
    id: EventId
    source: SourceUri
    type: EventTypeName
    time: AwareDatetime
    data: Raw
    channel: Channel | None = None
    subject: Annotated[str, Meta(max_length=256)] | None = None
    datacontenttype: Annotated[str, Meta(max_length=128)] | None = None
    dataschema: Annotated[str, Meta(max_length=256)] | None = None
    sentat: AwareDatetime | None = None
    traceparent: TraceParent | None = None
    tracestate: Annotated[str, Meta(max_length=512)] | None = None
    causeid: CauseId | None = None

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` for a time before 1900 or beyond 9999 in UTC."""
        refuse_time_outside_history("time", self.time)
        refuse_time_outside_history("sentat", self.sentat)


class RecordedIdentifier(Struct, frozen=True):
    """An identifier of the customer with the party id that stands for it in keys and views.

    `value` is the normalised value; for personal data it is what the field cipher made of it.
    """

    type: IdentifierType
    value: str
    party_id: str


class LogValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The value of a log record, JSON: the posted attributes, normalised, with identifiers lifted out of
    `data`.

    `customer` is in order of strength, strongest first; `linked` are the identifiers that the event names
    beside these: those that an `identity.linked` joins, or whom a `referral.made` brought, strongest first.
    `dataschema` always names the version `data` has. Unknown members are ignored on
    reading, so that a log outlives additions.
    """

    id: EventId
    source: SourceUri
    type: EventTypeName
    time: AwareDatetime
    channel: Channel
    dataschema: Annotated[str, Meta(max_length=256)]
    recordedtime: AwareDatetime
    data: Raw
    customer: tuple[RecordedIdentifier, ...] = ()
    linked: tuple[RecordedIdentifier, ...] = ()
    sentat: AwareDatetime | None = None
    traceparent: TraceParent | None = None
    causeid: CauseId | None = None


D_co = TypeVar("D_co", bound=EventData, covariant=True)


class RecordedEvent(Struct, Generic[D_co], frozen=True, kw_only=True):
    """An event as projections see it: typed, upcast to the newest version, with its place in the log.

    `stream_key` is the log key in text. `time` and `recorded_time` are in UTC, `record` has them as written.
    `data.customer` is always UNSET here: the customer is `customer`; likewise the identifiers of an
    `identity.linked` and the `referred` of a `referral.made` are `record.linked`.
    """

    partition: int
    offset: int
    stream_key: str
    event_hash: bytes
    id: str
    source: str
    type: str
    time: datetime
    recorded_time: datetime
    channel: Channel
    data: D_co
    customer: tuple[RecordedIdentifier, ...]
    record: LogValue

    @property
    def party_id(self) -> str | None:
        """The party id of the strongest identifier, or None where the event names no customer."""
        return self.customer[0].party_id if self.customer else None
