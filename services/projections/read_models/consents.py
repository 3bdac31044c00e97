"""What does a customer allow, since when, and where is the proof?

A row for each purpose and channel that a party gave or withdrew consent for, with the last word on it; `channel` is
empty for a word on all channels.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Final, TypedDict

from msgspec import json
from sqlalchemy import Boolean, Column, DateTime, MetaData, PrimaryKeyConstraint, Table, Text

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
from shared.events.consent import ConsentChanged, ConsentPurpose

CONSUMED = ConsentChanged

TABLE = Table(
    "consents",
    MetaData(),
    Column("party", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("evidence", Text),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    PrimaryKeyConstraint("party", "purpose", "channel", name="consents_of"),
)

ALL_CHANNELS: Final = ""


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """The one row of an event."""
    data: ConsentChanged = event.data
    key = (subjects_of(event).subject, data.purpose, data.channel or ALL_CHANNELS)
    return {
        key: {
            "granted": data.granted,
            "evidence": data.evidence,
            "time": event.time,
            "event_id": event.id,
        }
    }


class Consent(TypedDict):
    """The last word on a purpose for a channel, or for all of them where that is empty."""

    purpose: ConsentPurpose
    channel: str
    granted: bool
    evidence: str | None
    time: datetime
    event_id: str


FOUND: Final = """
select coalesce(json_agg(json_build_object(
    'purpose', purpose, 'channel', channel, 'granted', granted, 'evidence', evidence, 'time', time, 'event_id', event_id
)), '[]') from live.consents where party = any($1::text[])
"""
"""All rows of some parties, as the JSON that `consents` takes. Bounded by purposes and channels a party."""

_decode = json.Decoder(list[Consent]).decode


def consents(found: str) -> list[Consent]:
    """The last words of any of the parties, by purpose, those on all channels first, then by channel."""
    last: dict[tuple[str, str], Consent] = {}
    for row in _decode(found):
        key = row["purpose"], row["channel"]
        last[key] = last_word(last[key], row) if key in last else row
    return [last[key] for key in sorted(last)]


async def consents_of(connection: Any, parties: Sequence[str]) -> list[Consent]:
    """The last words of some parties, as `consents` answers them. Raises asyncpg's errors."""
    return consents(await connection.fetchval(FOUND, list(parties)))


def is_granted(words: Iterable[Consent], purpose: ConsentPurpose, channel: str = ALL_CHANNELS) -> bool | None:
    """Whether a purpose is allowed on a channel, or in general; None where nothing was said.

    A word on all channels is also one on each, so of the two the later counts.
    """
    said = [
        each for each in words if each["purpose"] == purpose and each["channel"] in (channel, ALL_CHANNELS)
    ]
    return reduce(last_word, said)["granted"] if said else None


def by_channel(words: Iterable[Consent], purpose: ConsentPurpose) -> dict[str, bool]:
    """For the channels that a purpose was allowed or forbidden on by name, whether it is allowed there now."""
    words = list(words)
    named = [each["channel"] for each in words if each["purpose"] == purpose and each["channel"]]
    return {channel: bool(is_granted(words, purpose, channel)) for channel in named}


def is_granted_anywhere(words: Iterable[Consent], purpose: ConsentPurpose) -> bool:
    """Whether a purpose is allowed in general, or on one channel at least."""
    words = list(words)
    return is_granted(words, purpose) is True or any(by_channel(words, purpose).values())


CONSENTS = ReadModel(
    name="consents",
    version=1,
    kind=Mergeable(lift=lift, combine=last_word),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="party"),
)
