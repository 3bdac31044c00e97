"""Conditional requests (RFC 9110, section 13): strong validators made from the body, and `If-None-Match`."""

import re
from collections.abc import Iterable
from typing import Final

import xxhash

_ENTITY_TAG: Final = re.compile(rb'\s*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


def etag_of(body: bytes) -> bytes:
    """The strong entity tag of exactly these bytes: 128 bits of XXH3, which nobody has a reason to forge."""
    return b'"%s"' % xxhash.xxh3_128_hexdigest(body).encode()


def matches(headers: Iterable[tuple[bytes, bytes]], etag: bytes) -> bool:
    """Whether an `If-None-Match` names `etag` (weak comparison) or is `*`; the malformed match nothing."""
    for name, value in headers:
        if name != b"if-none-match":
            continue
        if value.strip() == b"*":
            return True
        position = 0
        while found := _ENTITY_TAG.match(value, position):
            if found[1] == etag:
                return True
            position = found.end()
    return False
