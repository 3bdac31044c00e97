"""Recorded events of complaints, many open at once, each going the way that its number draws."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec

from shared.codec import encode_value, stream_key
from shared.envelope import PostedEvent, RecordedIdentifier
from shared.events.catalogue import Catalogue
from shared.events.vocabulary import Channel
from shared.field_cipher import NoCipher
from shared.identifiers import PartyIds
from shared.log.port import NewRecord
from tests.bench.environment import PEPPER

FIRST: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
_SEED: Final = 2048
_OPEN_AT_ONCE: Final = 2_000
_STORES: Final = 200
_CAUSES = ("quality_below_expectation", "service_below_expectation", "price_above_expectation", "other")
_SEVERITIES = ("low", "normal", "normal", "normal", "high", "critical")
_CHANNELS: Sequence[Channel] = ("store", "phone", "web", "email")
_LIVES: Final[Sequence[Sequence[str]]] = (
    ("opened", "acknowledged", "assigned", "started", "resolved", "accepted"),
    ("opened", "assigned", "acknowledged", "started", "note_added", "customer_awaited", "customer_replied",
     "note_added", "resolved", "accepted"),
    ("opened", "acknowledged", "started", "customer_awaited", "customer_replied", "compensated", "resolved", "closed"),
    ("opened", "escalated", "started", "resolved", "closed"),
    ("opened", "acknowledged", "assigned", "resolved", "reopened", "note_added", "compensated", "resolved", "accepted"),
    ("opened", "acknowledged", "withdrawn"),
)  # fmt: skip

_WITH_NOTES = ("note_added", "customer_awaited", "customer_replied")
_CATALOGUE = Catalogue()
_CIPHER = NoCipher()
_PARTY_IDS = PartyIds(PEPPER)


def complaint_events(count: int, members: list[RecordedIdentifier]) -> Iterator[NewRecord]:
    """Log records of `count` events 20 s apart, of 2,000 complaints at a time; one that ends gives way to a new one.

    The same ones on every call.
    """
    random = Random(_SEED)
    open_now = [(number, 0) for number in range(_OPEN_AT_ONCE)]
    opened = len(open_now)
    for number in range(count):
        place = random.randrange(_OPEN_AT_ONCE)
        complaint, step = open_now[place]
        yield complaint_event(complaint, step, FIRST + timedelta(seconds=20 * number), members)
        open_now[place] = (complaint, step + 1)
        if step + 1 == len(life_of(complaint)):
            open_now[place] = (opened, 0)
            opened += 1


def life_of(complaint: int) -> Sequence[str]:
    """What happens to a complaint, event by event."""
    return _LIVES[Random(complaint).randrange(len(_LIVES))]


def complaint_event(
    complaint: int, step: int, happened: datetime, members: list[RecordedIdentifier]
) -> NewRecord:
    """The record of one event of a complaint's life."""
    what = life_of(complaint)[step]
    kind = f"complaint.{what}"
    raw = msgspec.json.encode({"complaint_id": f"C-{complaint:07d}", **_data(what, complaint)})
    decoded = _CATALOGUE.decode_recorded(kind, 1, raw)
    channel = _CHANNELS[complaint % len(_CHANNELS)]
    posted = PostedEvent(
        specversion="1.0", id=f"c-{complaint}-{step}", source="/crm/desk", type=kind, time=happened,
        data=msgspec.Raw(raw), channel=channel,
    )  # fmt: skip
    customer = (members[complaint % len(members)],) if what == "opened" else ()
    value = encode_value(
        posted, decoded, version=1, channel=channel, customer=customer, recorded_time=happened, cipher=_CIPHER
    )
    return NewRecord(stream_key(decoded, customer, _PARTY_IDS).encode(), value)


def _data(what: str, complaint: int) -> dict[str, Any]:
    staff = f"agent-{complaint % 60:02d}"
    fault = {"handling_fault": "complacency"} if complaint % 5 == 0 else {}
    said: dict[str, dict[str, Any]] = {
        "opened": {
            "summary": "The tea was cold, and nobody came",
            "cause": _CAUSES[complaint % len(_CAUSES)],
            "severity": _SEVERITIES[complaint % len(_SEVERITIES)],
            "location": f"hq/north/store-{complaint % _STORES:03d}",
            "claim": {"amount": "12.50", "currency": "EUR"},
        },
        "assigned": {"assignee": {"person": staff, "department": "service desk"}, "level": "store"},
        "acknowledged": {"staff": staff},
        "started": {"staff": staff},
        "escalated": {"to_level": "province", "reason": "customer_request"},
        "compensated": {"kind": "voucher", "amount": {"amount": "10.00", "currency": "EUR"}},
        "resolved": {"resolution": "apology", "staff": staff, **fault},
    }
    note = {"note": "called back at noon, the line was busy"}
    return said.get(what, note if what in _WITH_NOTES else {})
