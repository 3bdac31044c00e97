"""Turns the sample's purchases into the events that store, web, app and call centre would have posted."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final
from zlib import crc32

from services.ops.demo.sample import Purchase

SOURCES: Final = "/demo/"
"""What every source of the demo begins with."""
_ZONE = timezone(timedelta(hours=-5))
_OPENS_AT_HOUR = 9
_OPEN_SECONDS = 10 * 3600  # until 19:00, so that the day is the same in UTC
_STORES = 12
_STAFF = 40
_CENT = Decimal("0.01")
_CENT_OF_CENT = Decimal("0.0001")


def demo_events(purchases: Iterable[Purchase]) -> list[dict[str, Any]]:
    """The events in the order of their times. The same purchases give the same events, ids and times included."""
    events = [event for purchase in purchases for event in _events_around(purchase)]
    return sorted(events, key=lambda event: (event["time"], event["source"], event["id"]))


def member_of(purchase: Purchase) -> str:
    """The member number under which the demo knows a customer."""
    return f"CD{purchase.master_id}"


def _events_around(purchase: Purchase) -> Iterator[dict[str, Any]]:
    bought_at = _time_of(purchase)
    channel = ("store", "web", "web", "app")[_drawn(purchase, "channel", 4)]
    store = 1 + _drawn(purchase, "store", _STORES)
    till = f"/demo/store-{store:02d}/till" if channel == "store" else f"/demo/{channel}/shop"
    place = {"location": f"hq/store-{store:02d}"} if channel == "store" else {}
    if _drawn(purchase, "visit", 2):
        before = timedelta(seconds=180 + _drawn(purchase, "stay", 1500))
        visit = {"kind": "visit" if channel == "store" else "page_view", "category": "sales", **place}
        yield _event(
            purchase, "visit", bought_at - before, visit, source=f"/demo/{channel}/visits", channel=channel
        )
    yield _event(purchase, "order", bought_at, {**_bought(purchase), **place}, source=till, channel=channel)
    if not _drawn(purchase, "call", 16):
        after = timedelta(days=1 + _drawn(purchase, "days", 6), seconds=_drawn(purchase, "wait", 7200))
        yield _event(
            purchase,
            "call",
            bought_at + after,
            _called(purchase),
            source="/demo/phone/calls",
            channel="phone",
        )


def _event(
    purchase: Purchase, what: str, at: datetime, data: dict[str, Any], *, source: str, channel: str
) -> dict[str, Any]:
    known = "interaction.recorded" if what != "order" else "purchase.completed"
    return {
        "specversion": "1.0",
        "id": f"{what}-{purchase.row:05d}",
        "source": source,
        "type": known,
        "time": at.isoformat(),
        "channel": channel,
        "data": {"customer": [{"type": "member", "value": member_of(purchase)}], **data},
    }


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
        "category": ("service", "enquiry", "feedback")[_drawn(purchase, "category", 3)],
        "direction": "inbound",
        "duration_seconds": 30 + _drawn(purchase, "duration", 600),
        "staff": f"agent-{1 + _drawn(purchase, 'staff', _STAFF):02d}",
    }


def _time_of(purchase: Purchase) -> datetime:
    opens = datetime.combine(purchase.day, time(_OPENS_AT_HOUR), _ZONE)
    return opens + timedelta(seconds=_drawn(purchase, "time", _OPEN_SECONDS))


def _drawn(purchase: Purchase, what: str, below: int) -> int:
    """A number from 0 to `below - 1` that looks random and is always the same for this purchase."""
    return crc32(f"{purchase.row}:{what}".encode()) % below
