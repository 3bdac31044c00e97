"""Where a page of a list ends, as text for clients: opaque, authenticated, good for one list only."""

import base64
import binascii
import hmac
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

_KEY_LABEL: Final = b"rapport list cursor 1"
_FORM: Final = struct.Struct(">qIq")
_TAG_BYTES: Final = 16
MOST_CHARACTERS: Final = 1024
"""Of a cursor: the longest ones hold an event id of 128 characters, each of at most 4 bytes."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidCursorError(ValueError):
    """A cursor that this service did not write, or wrote for another list."""

    def __init__(self) -> None:
        super().__init__(
            "this cursor belongs to another list or was changed; send next_cursor back unchanged, with the "
            "same path and filters, or start again without a cursor"
        )


class EntryKey(NamedTuple):
    """The sort key of a list's entry: its time, in whole microseconds, then its place in the log."""

    time: datetime
    partition: int
    log_offset: int


class Cursors:
    """Writes and reads cursors under a key of their own, derived from the deployment's secret.

    A cursor is the same for the same entry and list, so pages have stable ETags; it needs no store and
    never expires.
    """

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), _KEY_LABEL, "sha256")

    def write(self, last: EntryKey, bound_to: Sequence[str | None]) -> str:
        """The cursor that continues after `last` in the list of `bound_to`: route, customer, filters."""
        packed = _FORM.pack(
            (last.time - _EPOCH) // timedelta(microseconds=1), last.partition, last.log_offset
        )
        return self.seal(packed, bound_to)

    def read(self, token: str, bound_to: Sequence[str | None]) -> EntryKey:
        """The entry that a cursor of the list `bound_to` continues after. Raises `InvalidCursorError`."""
        packed = self.open(token, bound_to)
        if len(packed) != _FORM.size:
            raise InvalidCursorError
        microseconds, partition, log_offset = _FORM.unpack(packed)
        return EntryKey(_EPOCH + timedelta(microseconds=microseconds), partition, log_offset)

    def seal(self, place: bytes, bound_to: Sequence[str | None]) -> str:
        """The cursor of a place that is written in some other form, in the list of `bound_to`."""
        sealed = base64.urlsafe_b64encode(place + self._tag(place, bound_to))
        return sealed.decode().rstrip("=")

    def open(self, token: str, bound_to: Sequence[str | None]) -> bytes:
        """The place that a cursor of the list `bound_to` stands for. Raises `InvalidCursorError`."""
        if len(token) > MOST_CHARACTERS or not token.isascii():
            raise InvalidCursorError
        try:
            opened = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except binascii.Error as error:
            raise InvalidCursorError from error
        place, tag = opened[:-_TAG_BYTES], opened[-_TAG_BYTES:]
        if not hmac.compare_digest(self._tag(place, bound_to), tag):
            raise InvalidCursorError
        # One spelling a cursor: `+` and `/` decode as well, and so do other last characters.
        if base64.urlsafe_b64encode(opened).decode().rstrip("=") != token:
            raise InvalidCursorError
        return place

    def _tag(self, packed: bytes, bound_to: Sequence[str | None]) -> bytes:
        """`repr` quotes each part, so that neighbours cannot trade characters."""
        return hmac.digest(self._key, packed + repr(tuple(bound_to)).encode(), "sha256")[:_TAG_BYTES]
