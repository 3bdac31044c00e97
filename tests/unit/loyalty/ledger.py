"""Histories of an account for tests: events by their data, and what the ledger makes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from msgspec import Raw

from services.projections.loyalty.history import Folded, fold, fold_until
from services.projections.loyalty.posting import ANOMALY
from services.projections.loyalty.programme_file import parse
from services.projections.loyalty.reading import account_view, entries_view
from services.projections.read_models.declaration import Needs, Row
from shared.envelope import LogValue, RecordedEvent, RecordedIdentifier
from shared.events.data import EventData
from shared.events.loyalty import (
    LoyaltyEnrolled,
    LoyaltyHoldCaptured,
    LoyaltyHoldPlaced,
    LoyaltyHoldReleased,
    LoyaltyPointsAdjusted,
    LoyaltyPointsEarned,
    LoyaltyRedemptionCancelled,
    LoyaltyRedemptionRequested,
)
from shared.events.purchase import PurchaseCompleted, PurchaseRefunded
from shared.events.vocabulary import NotNegativeAmount, PositiveAmount

ACCOUNT = "M1"
CIRCLE = """
default_programme = "circle"

[programme.circle]
timezone = "Asia/Bangkok"
currency = "EUR"

[[programme.circle.terms]]
effective_from = 1990-01-01
points_per_unit = "1"
validity_months = 12
clawback = "clamp"
tiers = [
  { name = "silver", threshold = 1000, multiplier = "1.25" },
  { name = "gold",   threshold = 5000, multiplier = "1.5" },
]
"""
NEGATIVE = CIRCLE.replace('"clamp"', '"allow_negative"')
TENTH = CIRCLE.replace('points_per_unit = "1"', 'points_per_unit = "0.1"')


class Happened(NamedTuple):
    """An event before it has a place in the log; `event_id` is made from that place unless given."""

    time: datetime
    data: EventData
    member: str | None = ACCOUNT
    event_id: str | None = None


def at(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def enrolled(time: str, programme: str = "circle") -> Happened:
    return Happened(at(time), LoyaltyEnrolled(account_id=ACCOUNT, programme=programme))


def earned(time: str, points: int, expires: str | None = "terms", **rest: Any) -> Happened:
    """`expires` None means never, and `terms` that the event does not say."""
    if expires != "terms":
        rest["expires_at"] = None if expires is None else at(expires)
    return Happened(at(time), LoyaltyPointsEarned(account_id=ACCOUNT, points=points, reason="bonus", **rest))


def adjusted(time: str, points: int, expires: str | None = "terms") -> Happened:
    rest: dict[str, Any] = {}
    if expires != "terms":
        rest["expires_at"] = None if expires is None else at(expires)
    return Happened(
        at(time),
        LoyaltyPointsAdjusted(account_id=ACCOUNT, points=points, reason="by hand", actor="s-1", **rest),
    )


def bought(
    time: str, order: str, total: str, currency: str = "EUR", member: str | None = ACCOUNT
) -> Happened:
    data = PurchaseCompleted(order_id=order, total=NotNegativeAmount(total, currency), lines=())
    return Happened(at(time), data, member)


def refunded(
    time: str, refund: str, order: str, amount: str, currency: str = "EUR", *, member: str | None = ACCOUNT
) -> Happened:
    data = PurchaseRefunded(refund_id=refund, order_id=order, amount=PositiveAmount(amount, currency))
    return Happened(at(time), data, member)


def redeemed(time: str, redemption: str, points: int, partner: str | None = None) -> Happened:
    data = LoyaltyRedemptionRequested(
        account_id=ACCOUNT, redemption_id=redemption, points=points, reward="mug", partner=partner
    )
    return Happened(at(time), data)


def cancelled(time: str, redemption: str) -> Happened:
    data = LoyaltyRedemptionCancelled(account_id=ACCOUNT, redemption_id=redemption, reason="changed mind")
    return Happened(at(time), data)


def held(time: str, hold: str, points: int, expires: str) -> Happened:
    data = LoyaltyHoldPlaced(account_id=ACCOUNT, hold_id=hold, points=points, expires_at=at(expires))
    return Happened(at(time), data)


def captured(time: str, hold: str, points: int) -> Happened:
    data = LoyaltyHoldCaptured(account_id=ACCOUNT, hold_id=hold, points=points, reward="mug")
    return Happened(at(time), data)


def released(time: str, hold: str) -> Happened:
    return Happened(at(time), LoyaltyHoldReleased(account_id=ACCOUNT, hold_id=hold))


def recorded(history: Sequence[Happened]) -> list[RecordedEvent[Any]]:
    """The events with their places in the log, in the order given."""
    return [_recorded(offset, happened) for offset, happened in enumerate(history)]


def _recorded(offset: int, happened: Happened) -> RecordedEvent[Any]:
    event_id = happened.event_id or f"e{offset}"
    customer: tuple[RecordedIdentifier, ...] = ()
    if isinstance(happened.data, PurchaseCompleted | PurchaseRefunded):
        if happened.member is None:
            customer = (RecordedIdentifier("email", "a@example.org", "pty_mail"),)
        else:
            customer = (RecordedIdentifier("member", happened.member, f"pty_{happened.member}"),)
    record = LogValue(
        id=event_id,
        source=f"/till/{offset}",
        type=happened.data.TYPE,
        time=happened.time,
        channel="store",
        dataschema=f"urn:rapport:{happened.data.TYPE}:1",
        recordedtime=happened.time,
        data=Raw(b"{}"),
        customer=customer,
    )
    return RecordedEvent(
        partition=0,
        offset=offset,
        stream_key=f"pty_{happened.member}",
        event_hash=sha256(f"{record.source}\0{event_id}".encode()).digest()[:16],
        id=event_id,
        source=record.source,
        type=record.type,
        time=happened.time.astimezone(UTC),
        recorded_time=happened.time.astimezone(UTC),
        channel="store",
        data=happened.data,
        customer=customer,
        record=record,
    )


@dataclass
class Ledger:
    """What some history comes to under some programmes."""

    history: Iterable[Happened]
    toml: str = CIRCLE
    account: str = ACCOUNT
    folded: Folded = field(init=False)

    def __post_init__(self) -> None:
        self.programmes = parse(self.toml, "test.toml")
        self.events = recorded(list(self.history))
        self.folded = fold(self.programmes, self.events)

    def view(self, time: str | datetime) -> dict[str, Any]:
        """The account at a time, from the events until then."""
        moment = at(time) if isinstance(time, str) else time
        folded = fold_until(self.programmes, self.events, self.account, moment)
        anomalies = [each for each in folded.entries if each["kind"] == ANOMALY]
        found = account_view(self.programmes, folded.rows, self.account, moment, anomalies=anomalies)
        while isinstance(found, Needs):
            folded.rows.update(dict.fromkeys(found.keys))
            found = account_view(self.programmes, folded.rows, self.account, moment, anomalies=anomalies)
        assert found is not None, "no such account yet"
        return found

    def statement(self, time: str | datetime) -> list[dict[str, Any]]:
        """The entries shown at a time, from the events until then."""
        moment = at(time) if isinstance(time, str) else time
        folded = fold_until(self.programmes, self.events, self.account, moment)
        found = entries_view(self.programmes, folded.rows, self.account, moment, folded.entries)
        assert isinstance(found, list)
        return found

    def entries(self, *kinds: str) -> list[Row]:
        """All stored entries of some kinds, in log order."""
        return [each for each in self.folded.entries if each["kind"] in kinds]

    def anomalies(self) -> list[str]:
        """The codes of all anomalies, in log order."""
        return [each["reason"] for each in self.entries(ANOMALY)]

    def points(self, *kinds: str) -> list[int]:
        """The points of stored entries of some kinds."""
        return [each["points"] for each in self.entries(*kinds)]
