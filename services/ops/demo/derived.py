"""What the demo derives from a purchase: who, when and where, and the event that the shop would have posted."""

from datetime import datetime, time, timedelta, timezone
from typing import Any, Final, NamedTuple
from zlib import crc32

from services.ops.demo.sample import Purchase

SOURCES: Final = "/demo/"
"""What every source of the demo begins with."""
_ZONE = timezone(timedelta(hours=-5))
_OPENS_AT_HOUR = 9
_OPEN_SECONDS = 10 * 3600  # until 19:00, so that the day is the same in UTC
_STORES = 12


class Shop(NamedTuple):
    """Where a purchase was made; `place` names the store in the data of an event, and is empty elsewhere."""

    channel: str
    source: str
    place: dict[str, str]


def member_of(purchase: Purchase) -> str:
    """The member number under which the demo knows a customer."""
    return f"CD{purchase.master_id}"


def shop_of(purchase: Purchase) -> Shop:
    """One of twelve stores, the web shop, or the app."""
    channel = ("store", "web", "web", "app")[drawn(purchase, "channel", 4)]
    if channel != "store":
        return Shop(channel, f"{SOURCES}{channel}/shop", {})
    store = f"store-{1 + drawn(purchase, 'store', _STORES):02d}"
    return Shop(channel, f"{SOURCES}{store}/till", {"location": f"hq/{store}"})


def time_of(purchase: Purchase) -> datetime:
    """When it was made, on its day."""
    opens = datetime.combine(purchase.day, time(_OPENS_AT_HOUR), _ZONE)
    return opens + timedelta(seconds=drawn(purchase, "time", _OPEN_SECONDS))


def drawn(purchase: Purchase, what: str, below: int) -> int:
    """A number from 0 to `below - 1` that looks random and is always the same for this purchase."""
    return crc32(f"{purchase.row}:{what}".encode()) % below


def event_of(
    purchase: Purchase, what: str, kind: str, at: datetime, data: dict[str, Any], *, source: str, channel: str
) -> dict[str, Any]:
    """An event of the purchase's customer, as it is posted; `what` and the purchase's row make its id."""
    return {
        "specversion": "1.0",
        "id": f"{what}-{purchase.row:05d}",
        "source": source,
        "type": kind,
        "time": at.isoformat(),
        "channel": channel,
        "data": {"customer": [{"type": "member", "value": member_of(purchase)}], **data},
    }
