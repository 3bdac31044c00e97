"""Purchases of customers with several identifiers, to fill a log before lookups and merged timelines are measured."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from shared.codec import encode_value, stream_key
from shared.envelope import PostedEvent
from shared.events.purchase import PurchaseCompleted
from shared.events.vocabulary import Identifier, IdentifierType
from shared.field_cipher import NoCipher
from shared.identifiers import PartyIds, recorded_identifiers
from shared.log.port import NewRecord
from tests.bench.environment import PEPPER
from tests.bench.purchases import SHORT_DATA

PARTIES = 20
ENTRIES = 60
_FIRST = datetime(2026, 1, 2, 9, tzinfo=UTC)

Named = tuple[tuple[IdentifierType, str], ...]
"""The identifiers that an event names."""


def household(number: int) -> Named:
    """A customer who gives a member number, an e-mail address and a phone at the till."""
    return (
        ("member", f"H{number}"),
        ("email", f"h{number}@example.org"),
        ("phone", f"+4930{1_000_000 + number}"),
    )


def lone(number: int) -> Named:
    """A customer known by one identifier."""
    return (("member", f"L{number}"),)


def merged(number: int) -> Named:
    """A customer of so many parties: a member, and the cookies of their browsers."""
    return (("member", f"G{number}"), *(("cookie", f"g{number}-{each}") for each in range(PARTIES - 1)))


def events(households: int, pairs: int) -> Iterator[NewRecord]:
    """Two purchases of each household; 60 entries of each lone and of each merged customer.

    Of the merged, each cookie is linked to the member by one purchase that names both, and makes purchases by itself:
    the entries are spread over all parties. Times run on from event to event, the customers taking turns.
    """
    named: list[Named] = [household(number) for _ in range(2) for number in range(households)]
    for turn in range(ENTRIES):
        for number in range(pairs):
            parties = merged(number)
            cookie = parties[1 + turn % (PARTIES - 1)]
            named += (lone(number), (parties[0], cookie) if turn < PARTIES - 1 else (cookie,))
    party_ids, cipher = PartyIds(PEPPER), NoCipher()
    for number, each in enumerate(named):
        raw = SHORT_DATA.replace(b"ORDER", b"o-%d" % number)
        data = msgspec.json.decode(raw, type=PurchaseCompleted)
        happened = _FIRST + timedelta(seconds=20 * number)
        customer = recorded_identifiers([Identifier(*one) for one in each], "DE", party_ids)
        posted = PostedEvent(
            specversion="1.0", id=f"fill-{number}", source="/store/bench/till-1", type=PurchaseCompleted.TYPE,
            time=happened, data=msgspec.Raw(raw), channel="store",
        )  # fmt: skip
        value = encode_value(
            posted, data, version=1, channel="store", customer=customer, recorded_time=happened, cipher=cipher
        )
        yield NewRecord(stream_key(data, customer, party_ids).encode(), value)
