"""Reads a posted event's envelope, strictly; `Catalogue.decode` reads its `data` afterwards."""

import msgspec

from shared.envelope import PostedEvent
from shared.events.text_safety import refusal_of_malformed, refuse_nul
from shared.events.violation import refusal_of

_DECODER = msgspec.json.Decoder(PostedEvent)


def read_posted(text: bytes) -> PostedEvent:
    """The envelope of one event in JSON. Raises `SchemaViolationError`, and nothing else, for any other
    bytes.

    NUL characters are refused wherever they stand, in `data` too.
    """
    try:
        posted = _DECODER.decode(text)
    except msgspec.ValidationError as error:
        raise refusal_of(error, PostedEvent, "", text) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusal_of_malformed(text, "") from None
    refuse_nul(text, "")
    return posted
