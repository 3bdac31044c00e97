"""What the demo adds beside the sample: three guests of a restaurant, for whom staff would like a card.

They are people of old novels. The sample's customers have no names, and none of them stayed away for years.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

from services.ops.demo.loyalty_events import PROGRAMME

SOURCES: Final = "/guests/"
"""What every source of these events begins with."""
_ZONE: Final = timezone(timedelta(hours=-4))
_LOCATION: Final = "hq/restaurant"
_UNIT_PRICE: Final = "4.00"


class Guest(NamedTuple):
    """Who somebody is, and the evenings they came: the day, the seat, the menu, and what they had, by item."""

    member: str
    attributes: dict[str, Any]
    evenings: tuple[tuple[str, str, str, dict[str, int]], ...]
    overcharged: bool = False


ITEMS: Final = {
    "tea-jasmine": "Jasmine tea",
    "pie-kidney": "Steak and kidney pie",
    "gruel": "Gruel",
    "wine-red": "Glass of red wine",
    "cake-seed": "Seed cake",
}

FOGG: Final = Guest(
    "G0001",
    {
        "name": "Phileas Fogg",
        "salutation": "Mr",
        "language": "en",
        "birthday": "1941-07-04",
        "address": "7 Savile Row, London",
        "preferences": {"newspaper": "Morning Chronicle", "window": True},
        "dietary": "no shellfish",
    },
    (
        ("1995-05-12", "terrace 2", "set A", {"tea-jasmine": 2, "pie-kidney": 1}),
        ("1995-06-02", "terrace 4", "set B", {"tea-jasmine": 3, "cake-seed": 1}),
        ("1995-06-20", "terrace 4", "set B", {"tea-jasmine": 2, "pie-kidney": 1, "wine-red": 1}),
    ),
)
BENNET: Final = Guest(
    "G0002",
    {"name": "Elizabeth Bennet", "salutation": "Miss", "language": "en", "birthday": "--07-01"},
    (("1998-06-12", "garden 1", "set A", {"cake-seed": 2, "tea-jasmine": 1}),),
)
SCROOGE: Final = Guest(
    "G0003",
    {"name": "Ebenezer Scrooge", "salutation": "Mr", "health_notes": "sees ghosts when tired"},
    (("1997-12-24", "corner 1", "set C", {"gruel": 1}),),
    overcharged=True,
)
GUESTS: Final = (FOGG, BENNET, SCROOGE)
POINTS: Final = 120
"""What a partner granted the first guest, never to expire."""
TASK_DUE: Final = "1998-07-03T12:00:00-04:00"


def guest_events() -> list[dict[str, Any]]:
    """The events in the order of their times, the same in every run."""
    events = [event for guest in GUESTS for event in (*_told(guest), *_evenings(guest))]
    events += _of_fogg()
    return sorted(events, key=lambda event: datetime.fromisoformat(event["time"]))


def _told(guest: Guest) -> Iterator[dict[str, Any]]:
    first = _at(guest.evenings[0][0], 18)
    enrolled = {"account_id": guest.member, "programme": PROGRAMME}
    yield _event(guest, "enrolment", "loyalty.enrolled", first, enrolled)
    yield _event(guest, "described", "customer.described", first, {"attributes": guest.attributes})
    consent = {"purpose": "marketing", "granted": guest is not SCROOGE, "evidence": "guest book"}
    yield _event(guest, "consent", "consent.changed", first, consent)


def _evenings(guest: Guest) -> Iterator[dict[str, Any]]:
    for number, (day, seat, menu, items) in enumerate(guest.evenings, start=1):
        visit = {
            "kind": "visit", "category": "sales", "location": _LOCATION, "details": {"seat": seat, "menu": menu},
        }  # fmt: skip
        yield _event(guest, f"visit-{number}", "interaction.recorded", _at(day, 19), visit)
        yield _event(guest, f"bill-{number}", "purchase.completed", _at(day, 21), _bill(guest, number, items))


def _bill(guest: Guest, number: int, items: dict[str, int]) -> dict[str, Any]:
    total = 4 * sum(items.values())
    return {
        "order_id": f"bill-{guest.member}-{number}",
        "total": {"amount": f"{total + guest.overcharged}.00", "currency": "USD"},
        "promised_total": {"amount": f"{total}.00", "currency": "USD"},
        "location": _LOCATION,
        "lines": [
            {
                "sku": sku,
                "description": ITEMS[sku],
                "quantity": quantity,
                "unit_price": {"amount": _UNIT_PRICE, "currency": "USD"},
            }
            for sku, quantity in items.items()
        ],
    }


def _of_fogg() -> Iterator[dict[str, Any]]:
    """Points that never expire, a call forbidden, and the card that somebody is to send him."""
    asked = _at("1995-06-21", 10)
    points = {"account_id": FOGG.member, "points": POINTS, "reason": "won a bet", "expires_at": None}
    yield _event(FOGG, "points", "loyalty.points_earned", asked, points)
    no_calls = {"purpose": "marketing", "granted": False, "channel": "phone", "evidence": "guest book"}
    yield _event(FOGG, "no-calls", "consent.changed", asked, no_calls)
    task = {
        "task_id": "birthday-card-G0001",
        "title": "Send the birthday card",
        "due_at": TASK_DUE,
        "assignee": {"department": "restaurant"},
    }
    yield _event(FOGG, "card", "task.created", _at("1998-06-29", 9), task)


def _event(guest: Guest, what: str, kind: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{what}-{guest.member}",
        "source": f"{SOURCES}restaurant",
        "type": kind,
        "time": at.isoformat(),
        "channel": "store",
        "data": {"customer": [{"type": "member", "value": guest.member}], **data},
    }


def _at(day: str, hour: int) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=_ZONE)
