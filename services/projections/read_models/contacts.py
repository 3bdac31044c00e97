"""When were we last in touch with a customer, by which channel, and when did they last come to us?

A row for each channel of a party. What counts is an interaction, a purchase, a refund, an answer to a survey, or a
complaint that was opened. `last_inbound_at` leaves out what was sent to the customer (`direction` is `outbound`): a
letter that we wrote does not bring a guest back.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypedDict

from msgspec import json
from sqlalchemy import Column, DateTime, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row, classes_of
from services.projections.subjects import subjects_of
from shared.envelope import RecordedEvent
from shared.events.complaint import ComplaintOpened
from shared.events.feedback import FeedbackRecorded
from shared.events.interaction import InteractionRecorded
from shared.events.purchase import PurchaseCompleted, PurchaseRefunded

CONSUMED = InteractionRecorded | PurchaseCompleted | PurchaseRefunded | FeedbackRecorded | ComplaintOpened

TABLE = Table(
    "contacts",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("last_inbound_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("party", "channel", name="contacts_of"),
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The one row of an event."""
    inbound = None if event.data.direction == "outbound" else event.time
    key = (subjects_of(event).subject, event.channel)
    return {key: {"last_at": event.time, "last_inbound_at": inbound}}


def combine(one: Row, other: Row) -> Row:
    """The latest of both."""
    return {
        "last_at": max(one["last_at"], other["last_at"]),
        "last_inbound_at": _latest(one["last_inbound_at"], other["last_inbound_at"]),
    }


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)


class Contacts(NamedTuple):
    """The last contact by channel, and the last one that was not outbound, None where there was none."""

    by_channel: Mapping[str, datetime]
    last_inbound: datetime | None


class _Found(TypedDict):
    channel: str
    last_at: datetime
    last_inbound_at: datetime | None


FOUND: Final = """
select coalesce(json_agg(json_build_object(
    'channel', channel, 'last_at', last_at, 'last_inbound_at', last_inbound_at
)), '[]') from live.contacts where party = any($1::text[])
"""
"""All rows of some parties, as the JSON that `contacts` takes. Bounded by the number of channels a party."""

_decode = json.Decoder(list[_Found]).decode


def contacts(found: str) -> Contacts:
    """What the rows of all parties come to."""
    by_channel: dict[str, datetime] = {}
    inbound: datetime | None = None
    for row in _decode(found):
        channel, last_at = row["channel"], row["last_at"]
        by_channel[channel] = max(by_channel.get(channel, last_at), last_at)
        inbound = _latest(inbound, row["last_inbound_at"])
    return Contacts(dict(sorted(by_channel.items())), inbound)


CONTACTS = ReadModel(
    name="contacts",
    version=1,
    kind=Mergeable(lift=lift, combine=combine),
    table=TABLE,
    consumes=classes_of(CONSUMED),
)
