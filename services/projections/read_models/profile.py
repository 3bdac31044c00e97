"""What is a customer like: their name, salutation, language, birthday, and what else they told?

A row for each attribute that was ever described of a party, with the last word on it, null for one that was removed.
Values stand as the log has them, so personal ones are sealed; what a sealed value is bound to, its party and its event
id, stands beside it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypedDict

from msgspec import UNSET, json
from sqlalchemy import Column, DateTime, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.read_models.declaration import (
    ErasedRows,
    Key,
    Mergeable,
    ReadModel,
    Row,
    classes_of,
)
from services.projections.recognition.last_word import last_word
from services.projections.subjects import subjects_of
from shared.envelope import RecordedEvent
from shared.events.customer import CustomerAttributes, CustomerDescribed
from shared.events.personal_fields import personal_fields
from shared.events.vocabulary import PersonalCategory

CONSUMED = CustomerDescribed

TABLE = Table(
    "profile",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("value", JSONB),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    PrimaryKeyConstraint("party", "attribute", name="profile_of"),
)

CATEGORIES: Final[Mapping[str, PersonalCategory]] = {
    name: category
    for name, category in personal_fields(CustomerAttributes).items()
    if isinstance(category, str)
}
"""The category of each attribute that is personal data."""


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """A row for each attribute that the event names."""
    data: CustomerDescribed = event.data
    party = subjects_of(event).subject
    return {
        (party, name): {"value": value, "time": event.time, "event_id": event.id}
        for name in CustomerAttributes.__struct_fields__
        if (value := getattr(data.attributes, name)) is not UNSET
    }


class Told(TypedDict):
    """The last word of a party on an attribute; `value` is never null."""

    party: str
    attribute: str
    value: Any
    time: datetime
    event_id: str


FOUND: Final = """
select coalesce(json_agg(json_build_object(
    'party', party, 'attribute', attribute, 'value', value, 'time', time, 'event_id', event_id
)), '[]') from live.profile where party = any($1::text[])
"""
"""All rows of some parties, as the JSON that `attributes` takes. Bounded by the number of attributes a party."""

_decode = json.Decoder(list[Told]).decode


def attributes(found: str) -> Mapping[str, Told]:
    """By attribute the last word of any of the parties; without those that were removed."""
    last = _last(_decode(found))
    return {name: told for name, told in last.items() if told["value"] is not None}


def _last(rows: Iterable[Told]) -> dict[str, Told]:
    last: dict[str, Told] = {}
    for row in rows:
        name = row["attribute"]
        last[name] = last_word(last[name], row) if name in last else row
    return last


PROFILE = ReadModel(
    name="profile",
    version=1,
    kind=Mergeable(lift=lift, combine=last_word),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
