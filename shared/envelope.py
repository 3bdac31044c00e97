"""The three forms of an event on its way: as posted, as written to the log, as a projection sees it."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Raw, Struct

from shared.events.data import EventData
from shared.events.vocabulary import Channel

EventId = Annotated[str, Meta(min_length=1, max_length=128)]
SourceUri = Annotated[str, Meta(min_length=1, max_length=512)]
AwareDatetime = Annotated[datetime, Meta(tz=True)]


class PostedEvent(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A CloudEvents 1.0 event in JSON format as channel systems post it; `data` is decoded by its type later."""

    specversion: Literal["1.0"]
    id: EventId
    source: SourceUri
    type: Annotated[str, Meta(min_length=1, max_length=128)]
    time: AwareDatetime
    data: Raw
    channel: Channel | None = None
    subject: Annotated[str, Meta(max_length=256)] | None = None
    datacontenttype: Annotated[str, Meta(max_length=128)] | None = None
    dataschema: Annotated[str, Meta(max_length=256)] | None = None
    sentat: AwareDatetime | None = None
    traceparent: Annotated[str, Meta(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")] | None = None
    causeid: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


class RecordedIdentifier(Struct, frozen=True):
    """An identifier of the customer with the party id that stands for it in keys and views.

    `value` is the normalised value; for personal data it is what the field cipher made of it.
    """

    type: str
    value: str
    party_id: str


class LogValue(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The value of a log record, JSON: the posted attributes, normalised, with the customer lifted out of `data`.

    `customer` is in order of strength, strongest first. `dataschema` always names the version `data` has.
    Unknown members are ignored on reading, so that a log outlives additions.
    """

    id: str
    source: str
    type: str
    time: AwareDatetime
    channel: Channel
    dataschema: str
    recordedtime: AwareDatetime
    data: Raw
    customer: tuple[RecordedIdentifier, ...] = ()
    sentat: AwareDatetime | None = None
    traceparent: str | None = None
    causeid: str | None = None


D_co = TypeVar("D_co", bound=EventData, covariant=True)


class RecordedEvent(Struct, Generic[D_co], frozen=True, kw_only=True):
    """An event as projections see it: typed, upcast to the newest version, with its place in the log.

    `stream_key` is the log key in text. `data.customer` is always UNSET here: the customer is `customer`.
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
