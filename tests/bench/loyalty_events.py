"""Recorded events of loyalty accounts in a mix as a chain of shops has it, to fill a log before it is projected."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from shared.codec import encode_value, stream_key
from shared.envelope import PostedEvent, RecordedIdentifier
from shared.events.catalogue import Catalogue
from shared.field_cipher import NoCipher
from shared.identifiers import PartyIds
from shared.log.port import NewRecord
from tests.bench.environment import PEPPER

FIRST = datetime(2026, 1, 2, 9, tzinfo=UTC)
REDEEMED_POINTS = 50
_SEED = 1024
_TURNS = (
    "purchase", "purchase", "purchase", "redemption", "purchase", "refund", "purchase", "hold", "purchase", "capture",
    "purchase", "redemption", "purchase", "grant", "purchase", "redemption", "purchase", "purchase", "redemption",
    "purchase",
)  # fmt: skip
"""What an account's events are, one after the other and over again: of 20 there are 12 purchases, 4 redemptions, a
refund, a hold, its capture, and a partner's points."""

_CATALOGUE = Catalogue()
_CIPHER = NoCipher()
_PARTY_IDS = PartyIds(PEPPER)


def loyalty_events(count: int, members: list[RecordedIdentifier]) -> Iterator[NewRecord]:
    """Log records of `count` events 20 s apart, of accounts drawn with some coming much more often than others.

    The same ones on every call.
    """
    random = Random(_SEED)
    turns: Counter[str] = Counter()
    for number in range(count):
        member = members[int(len(members) * random.random() ** 2)]
        turn = turns[member.value]
        turns[member.value] += 1
        yield account_event(member, turn, number)


def account_event(
    member: RecordedIdentifier, turn: int, number: int, redeemed: int = REDEEMED_POINTS
) -> NewRecord:
    """The event of an account's turn, as the record of that number in the log.

    `redeemed` is how many points a redemption asks for: with the usual number about half of what comes in stays.
    """
    happened = FIRST + timedelta(seconds=20 * number)
    kind, data = _event(member.value, turn, happened)
    if kind == "loyalty.redemption_requested":
        data["points"] = redeemed
    return recorded(kind, data, member, f"fill-{number}", happened)


def recorded(
    kind: str, data: dict[str, Any], member: RecordedIdentifier, event_id: str, happened: datetime
) -> NewRecord:
    """The log record of an event of a member's account."""
    raw = msgspec.json.encode(data)
    customer = (member,) if kind.startswith("purchase.") else ()
    decoded = _CATALOGUE.decode_recorded(kind, 1, raw)
    posted = PostedEvent(
        specversion="1.0", id=event_id, source="/store/bench/till-1", type=kind, time=happened, data=msgspec.Raw(raw),
        channel="store",
    )  # fmt: skip
    value = encode_value(
        posted, decoded, version=1, channel="store", customer=customer, recorded_time=happened, cipher=_CIPHER
    )
    return NewRecord(stream_key(decoded, customer, _PARTY_IDS).encode(), value)


def _event(account_id: str, turn: int, happened: datetime) -> tuple[str, dict[str, Any]]:
    """Type and data. Ids are of the account's own turn, so that what follows can name what went before."""
    account = {"account_id": account_id}
    match _TURNS[turn % len(_TURNS)]:
        case "purchase":
            return "purchase.completed", {
                "order_id": f"{account_id}-{turn}",
                "total": {"amount": f"{20 + turn % 30}.40", "currency": "EUR"},
                "lines": [
                    {"sku": "tea-250", "quantity": 2, "unit_price": {"amount": "9.95", "currency": "EUR"}}
                ],
            }
        case "refund":  # of the third purchase, which came three turns before
            return "purchase.refunded", {
                "refund_id": f"{account_id}-{turn}",
                "order_id": f"{account_id}-{turn - 3}",
                "amount": {"amount": "9.95", "currency": "EUR"},
            }
        case "redemption":
            return "loyalty.redemption_requested", {
                **account,
                "redemption_id": f"{account_id}-{turn}",
                "points": REDEEMED_POINTS,
                "reward": "tea for two",
            }
        case "hold":
            until = (happened + timedelta(days=30)).isoformat()
            return "loyalty.hold_placed", {
                **account,
                "hold_id": f"{account_id}-{turn}",
                "points": 20,
                "expires_at": until,
            }
        case "capture":  # of the hold two turns before
            return "loyalty.hold_captured", {
                **account,
                "hold_id": f"{account_id}-{turn - 2}",
                "points": 15,
                "reward": "cake",
            }
        case _:
            return "loyalty.points_earned", {
                **account,
                "points": 25,
                "reason": "stay at a partner's",
                "partner": "hotel",
            }
