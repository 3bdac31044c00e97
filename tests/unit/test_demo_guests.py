"""The demo's guests are the same in every run, and their card says of them what the screen shows."""

import json
from collections import Counter
from datetime import datetime
from io import StringIO
from typing import Any

from rich.console import Console

from services.ops.demo.card_screen import show_card
from services.ops.demo.derived import SOURCES as SOURCES_OF_THE_SAMPLE
from services.ops.demo.guests import SOURCES, guest_events
from shared.events.catalogue import Catalogue

_SHOWN: dict[str, Any] = {
    "customer_id": "cus_somebody",
    "purpose": "greeting",
    "withheld": ["contact", "health", "free_text"],
    "salutation": "Mr",
    "name": "Phileas Fogg",
    "preferences": {"newspaper": "Morning Chronicle", "window": True},
    "address": None,
    "dietary": None,
    "available_points": 1200,
    "tier": "gold",
    "last_visit": {
        "time": "1995-06-20T23:00:00.000000Z",
        "location": "hq/restaurant",
        "details": {"seat": "terrace 4"},
        "ago": {"years": 3, "days": 11},
    },
    "lapsed_years": 3,
    "birthday": {"in_days": 3},
    "favourites": [{"description": "Jasmine tea", "quantity": 7}],
    "price_kept": False,
    "consents": {"marketing": True},
    "consents_by_channel": {"marketing": {"phone": False}},
    "tasks_due": [{"title": None}],
}


def test_their_events_pass_the_catalogue_in_the_order_of_their_times() -> None:
    events = guest_events()
    catalogue = Catalogue()
    for event in events:
        catalogue.decode(event["type"], None, json.dumps(event["data"]).encode())
    times = [datetime.fromisoformat(event["time"]) for event in events]
    assert times == sorted(times)
    assert max(Counter((event["source"], event["id"]) for event in events).values()) == 1
    assert events == guest_events()


def test_they_are_no_part_of_the_sample() -> None:
    assert not SOURCES.startswith(SOURCES_OF_THE_SAMPLE)
    assert all(event["source"].startswith(SOURCES) for event in guest_events())


def test_the_screen_shows_what_each_purpose_opens_and_what_stays_closed() -> None:
    ordering = {
        **_SHOWN,
        "purpose": "ordering",
        "address": "7 Savile Row",
        "withheld": ["health", "free_text"],
    }
    screen = StringIO()
    show_card(Console(file=screen, width=100), {"greeting": _SHOWN, "ordering": ordering}, "http://here")
    lines = {line[2:19].strip(): line[19:].split("   ") for line in screen.getvalue().splitlines()}

    def said(label: str) -> list[str]:
        return [part.strip() for part in lines[label] if part.strip()]

    assert said("who") == ["Mr Phileas Fogg", "the same"]
    assert said("points, tier") == ["1,200, gold", "the same"]
    assert said("price promised") == ["not kept", "the same"]
    assert said("to do") == ["not opened", "the same"]
    assert said("address") == ["not opened", "7 Savile Row"]
    assert said("withheld") == ["contact, health, free_text", "health, free_text"]
    assert "http://here/v1/customers/cus_somebody/card" in screen.getvalue()
