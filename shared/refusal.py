"""An event that is not accepted, and why."""

from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from shared.events.refusal import EventRefusedError


class Refusal(NamedTuple):
    """Why one event of a request is not accepted; `pointer` is an RFC 6901 pointer into the posted event."""

    code: str
    detail: str
    pointer: str = ""
    retryable: bool = False
    event_id: str | None = None
    source: str | None = None


class _Named(Struct):
    id: Raw = Raw(b"null")
    source: Raw = Raw(b"null")


_named = msgspec.json.Decoder(_Named)
_text = msgspec.json.Decoder(str)
_SHOWN_CHARACTERS = 128


def refused(sent: bytes, error: EventRefusedError) -> Refusal:
    """The refusal of an event, with its id and source as far as its JSON tells them."""
    try:
        named = _named.decode(sent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refusal(error.code, error.detail, error.pointer)
    event_id, source = _as_text(named.id), _as_text(named.source)
    return Refusal(error.code, error.detail, error.pointer, event_id=event_id, source=source)


def _as_text(raw: Raw) -> str | None:
    try:
        return _text.decode(raw)[:_SHOWN_CHARACTERS]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
