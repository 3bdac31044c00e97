"""One subject's key, and what a value looks like that it has sealed."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.events.sealed import SEALED_PREFIX, is_sealed
from shared.field_cipher import Sealing

RandomBytes = Callable[[int], bytes]
"""So many bytes that nobody can foretell."""

SECRET_BYTES: Final = 32
KEY_ID_BYTES: Final = 16
NONCE_BYTES: Final = 12

_VERSION: Final = b"\x01"
_NONCE_AT: Final = 1 + KEY_ID_BYTES
_TEXT_AT: Final = _NONCE_AT + NONCE_BYTES
_TAG_BYTES: Final = 16
_encode_json: Final = msgspec.json.Encoder().encode
_decode_json: Final = msgspec.json.Decoder().decode


class SealBrokenError(Exception):
    """A sealed value was altered, or moved to another subject, category or event than it was sealed for."""


class DataKey(NamedTuple):
    """A key of 256 bits with which the personal data of one subject are sealed.

    The cipher is made anew for each value: it costs less than a microsecond, and one kept for each key of a cache
    would hold 2 KiB of memory.
    """

    key_id: bytes
    subject: str
    secret: bytes

    def __repr__(self) -> str:
        """Tells no secret."""
        return f"DataKey({self.key_id.hex()}, {self.subject!r})"

    def seal(self, value: Any, sealing: Sealing, random_bytes: RandomBytes) -> str:
        """The sealed text of a JSON value: `sealed:` and, in base64url without padding, a version byte, the key's id
        (16 bytes), a nonce (96 random bits), and AES-256-GCM's ciphertext and tag.

        Bound to its subject, category and event as associated data.
        """
        nonce = random_bytes(NONCE_BYTES)
        ciphertext = AESGCM(self.secret).encrypt(nonce, _encode_json(value), _bound_to(sealing))
        return SEALED_PREFIX + _text_of(_VERSION + self.key_id + nonce + ciphertext)

    def open(self, sealed: str, sealing: Sealing) -> Any:
        """The JSON value that `seal` was given. Raises `SealBrokenError`."""
        parts = _bytes_of(sealed)
        nonce, ciphertext = parts[_NONCE_AT:_TEXT_AT], parts[_TEXT_AT:]
        try:
            return _decode_json(AESGCM(self.secret).decrypt(nonce, ciphertext, _bound_to(sealing)))
        except InvalidTag:
            raise SealBrokenError("a sealed value does not belong where it stands") from None


def new_data_key(subject: str, random_bytes: RandomBytes) -> DataKey:
    """A key that nothing was sealed with yet."""
    return DataKey(random_bytes(KEY_ID_BYTES), subject, random_bytes(SECRET_BYTES))


def key_id_of(sealed: Any) -> bytes:
    """The id of the key that a sealed text names. Raises `SealBrokenError` for anything that `seal` does not write."""
    return _bytes_of(sealed)[1:_NONCE_AT]


def _bound_to(sealing: Sealing) -> bytes:
    return "\0".join(sealing).encode()


def _text_of(parts: bytes) -> str:
    return base64.urlsafe_b64encode(parts).rstrip(b"=").decode()


def _bytes_of(sealed: Any) -> bytes:
    if not is_sealed(sealed):
        raise SealBrokenError("not a sealed value")
    text = sealed[len(SEALED_PREFIX) :]
    try:
        parts = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise SealBrokenError("a sealed value is not base64url") from None
    # The decoder passes over other characters and unused bits; a sealed value has one spelling.
    if len(parts) < _TEXT_AT + _TAG_BYTES or parts[:1] != _VERSION or _text_of(parts) != text:
        raise SealBrokenError("a sealed value of no known form")
    return parts
