"""Turns the sample's purchases into the events that store, web, app and call centre would have posted."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from services.ops.demo.complaint_events import complaint_events, complaints_of
from services.ops.demo.derived import SOURCES, drawn, event_of, shop_of, time_of
from services.ops.demo.loyalty_events import brought_back, enrolments, points_spent
from services.ops.demo.sample import Purchase

_STAFF = 40
_CENT = Decimal("0.01")
_CENT_OF_CENT = Decimal("0.0001")


def demo_events(purchases: Iterable[Purchase]) -> list[dict[str, Any]]:
    """The events in the order of their times. The same purchases give the same events, ids and times included."""
    purchases = list(purchases)
    events = [
        *enrolments(purchases),
        *(event for purchase in purchases for event in _events_around(purchase)),
        *(event for complaint in complaints_of(purchases) for event in complaint_events(complaint)),
    ]
    return sorted(
        events, key=lambda event: (datetime.fromisoformat(event["time"]), event["source"], event["id"])
    )


def _events_around(purchase: Purchase) -> Iterator[dict[str, Any]]:
    bought_at, shop = time_of(purchase), shop_of(purchase)
    if drawn(purchase, "visit", 2):
        before = timedelta(seconds=180 + drawn(purchase, "stay", 1500))
        visit = {
            "kind": "visit" if shop.channel == "store" else "page_view",
            "category": "sales",
            **shop.place,
        }
        visits = f"{SOURCES}{shop.channel}/visits"
        yield _contact(purchase, "visit", bought_at - before, visit, source=visits, channel=shop.channel)
    bought = {**_bought(purchase), **shop.place}
    yield event_of(
        purchase, "order", "purchase.completed", bought_at, bought, source=shop.source, channel=shop.channel
    )
    yield from points_spent(purchase)
    yield from brought_back(purchase)
    if not drawn(purchase, "call", 16):
        after = timedelta(days=1 + drawn(purchase, "days", 6), seconds=drawn(purchase, "wait", 7200))
        calls = f"{SOURCES}phone/calls"
        yield _contact(purchase, "call", bought_at + after, _called(purchase), source=calls, channel="phone")


def _contact(
    purchase: Purchase, what: str, at: datetime, data: dict[str, Any], *, source: str, channel: str
) -> dict[str, Any]:
    return event_of(purchase, what, "interaction.recorded", at, data, source=source, channel=channel)


def _bought(purchase: Purchase) -> dict[str, Any]:
    unit_price = (purchase.dollars / purchase.cds).quantize(_CENT_OF_CENT)
    if unit_price == unit_price.quantize(_CENT):
        unit_price = unit_price.quantize(_CENT)
    return {
        "order_id": f"order-{purchase.row:05d}",
        "total": {"amount": str(purchase.dollars), "currency": "USD"},
        "lines": [
            {
                "sku": "cd",
                "description": "Compact disc",
                "quantity": purchase.cds,
                "unit_price": {"amount": str(unit_price), "currency": "USD"},
            }
        ],
    }


def _called(purchase: Purchase) -> dict[str, Any]:
    return {
        "kind": "call",
        "category": ("service", "enquiry", "feedback")[drawn(purchase, "category", 3)],
        "direction": "inbound",
        "duration_seconds": 30 + drawn(purchase, "duration", 600),
        "staff": f"agent-{1 + drawn(purchase, 'staff', _STAFF):02d}",
    }
