"""Conditional requests (RFC 9110, section 13): strong validators made from the body, and `If-None-Match`."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

_TAG_BYTES: Final = 16
_ENTITY_TAG: Final = re.compile(r'\s*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


def etag_of(body: bytes) -> str:
    """The strong entity tag of exactly these bytes."""
    return f'"{hashlib.blake2b(body, digest_size=_TAG_BYTES).hexdigest()}"'


def matches(if_none_match: Iterable[str], etag: str) -> bool:
    """Whether the header's values name `etag` (weak comparison) or are `*`; what is malformed matches nothing."""
    for value in if_none_match:
        if value.strip() == "*":
            return True
        position = 0
        while found := _ENTITY_TAG.match(value, position):
            if found[1] == etag:
                return True
            position = found.end()
    return False
