"""Checks the guests' cards against what they should say, written down by hand."""

from typing import Any, Final, NamedTuple

import asyncpg
import httpx

from services.ops.demo.finding import Finding
from services.ops.demo.guests import BENNET, FOGG, POINTS, SCROOGE, SOURCES, guest_events


class Expected(NamedTuple):
    """Members of a guest's card for a purpose. What is said of personal data stands for it being opened, or not."""

    member: str
    purpose: str
    members: dict[str, Any]


_FOGG: Final = {
    "salutation": "Mr",
    "language": "en",
    "tier": "base",
    "available_points": POINTS,
    "last_visit": {
        "time": "1995-06-20T23:00:00.000000Z",
        "location": "hq/restaurant",
        "details": {"menu": "set B", "seat": "terrace 4"},
        "days_ago": 1107,
        "ago": {"years": 3, "days": 11},
    },
    "lapsed_years": 3,
    "favourites": [
        {"sku": "tea-jasmine", "description": "Jasmine tea", "quantity": 7},
        {"sku": "pie-kidney", "description": "Steak and kidney pie", "quantity": 2},
        {"sku": "cake-seed", "description": "Seed cake", "quantity": 1},
    ],
    "price_kept": True,
    "consents": {"marketing": True},
    "consents_by_channel": {"marketing": {"phone": False}},
    "name": "Phileas Fogg",
    "birthday": {"in_days": 3},
    "dietary": None,
}
EXPECTED: Final = (
    Expected(
        FOGG.member, "greeting", {**_FOGG, "address": None, "withheld": ["contact", "health", "free_text"]}
    ),
    Expected(
        FOGG.member,
        "ordering",
        {**_FOGG, "address": "7 Savile Row, London", "withheld": ["health", "free_text", "scores"]},
    ),
    Expected(
        BENNET.member,
        "greeting",
        {
            "name": "Elizabeth Bennet",
            "birthday": {"in_days": 0},
            "lapsed_years": None,
            "withheld": ["contact", "health", "free_text"],
        },
    ),
    Expected(
        SCROOGE.member,
        "care",
        {
            "price_kept": False,
            "health_notes": "sees ghosts when tired",
            "withheld": ["contact", "preference", "free_text", "scores"],
        },
    ),
    Expected(
        SCROOGE.member,
        "marketing",
        {
            "name": None,
            "consents": {"marketing": False},
            "withheld": ["identity", "contact", "preference", "health", "free_text", "scores"],
        },
    ),
)
_EVENTS: Final = "select count(*) from control.journal where starts_with(source, $1)"


async def card_of_member(client: httpx.AsyncClient, member: str, purpose: str) -> dict[str, Any]:
    """The card of a member. Raises httpx's errors."""
    known = await client.post("/v1/customers/lookup", json={"type": "member", "value": member})
    customer_id = known.raise_for_status().json()["customer_id"]
    answer = await client.get(f"/v1/customers/{customer_id}/card", params={"purpose": purpose})
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def check_guests(client: httpx.AsyncClient, database: asyncpg.Connection) -> list[Finding]:
    """Compares the guests' events and cards with what they should be."""
    right = 0
    for expected in EXPECTED:
        shown = await card_of_member(client, expected.member, expected.purpose)
        right += all(shown[name] == value for name, value in expected.members.items())
    events = await database.fetchval(_EVENTS, SOURCES)
    return [
        Finding("events of the restaurant's guests", len(guest_events()), events),
        Finding("cards that say what they should", len(EXPECTED), right),
    ]
