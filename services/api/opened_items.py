"""Items of a timeline with what a purpose opens of their data."""

from typing import Any, Final

from msgspec import Raw, json

from services.api.access.disclosure import Disclosure
from services.projections.personal_parts import PersonalPart

_pairs: Final = json.Decoder(list[tuple[Raw, PersonalPart | None]]).decode
_encode: Final = json.Encoder().encode


async def opened_items(pairs: bytes, customer_id: str, disclosure: Disclosure) -> bytes:
    """A JSON array of items, from one of pairs as a page with personal parts has them.

    Costs what the items with personal parts cost to decode. Raises the problem 503 `key_store_unavailable`.
    """
    entries = _pairs(pairs)
    opened = iter(
        await disclosure.open_parts([(customer_id, part) for _, part in entries if part is not None])
    )
    items = [item if part is None else _with_data(item, next(opened)) for item, part in entries]
    return _encode(items)


def _with_data(item: Raw, opened: dict[str, Any]) -> Raw:
    if not opened:
        return item
    values = json.decode(item)
    _merge(values["data"], opened)
    return Raw(_encode(values))


def _merge(data: dict[str, Any], opened: dict[str, Any]) -> None:
    """Adds opened values to plain data, group by group. No opened value stands where a plain one does."""
    for name, value in opened.items():
        if isinstance(value, dict) and isinstance(data.get(name), dict):
            _merge(data[name], value)
        else:
            data[name] = value
