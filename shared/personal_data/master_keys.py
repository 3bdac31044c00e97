"""The keys that data keys are wrapped with, which never touch a database."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.personal_data.data_key import NONCE_BYTES, SECRET_BYTES, DataKey, RandomBytes
from shared.settings import Settings
from shared.settings_errors import WrongSettingsError, missing

_ID_CHARACTERS: Final = 16
_ID_LABEL: Final = b"rapport master key id\0"


class UnusableKeyError(Exception):
    """A wrapped key that cannot be unwrapped; the message says why, without any secret."""


class MasterKeys:
    """The master key that wraps, and those before it that unwrap as well until every key is wrapped anew."""

    def __init__(self, current: bytes, previous: Sequence[bytes] = ()) -> None:
        """Keys of 32 bytes each. Raises `ValueError` for others."""
        self._ciphers = {master_key_id(each): AESGCM(_checked(each)) for each in (*previous, current)}
        self.current_id: Final = master_key_id(current)
        """Stands for the current key beside what it wrapped; tells nothing of the key."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys that unwrap."""
        return tuple(self._ciphers)

    def wrap(self, key: DataKey, random_bytes: RandomBytes) -> bytes:
        """The key's secret, encrypted with the current master key and bound to the key's id and subject."""
        nonce = random_bytes(NONCE_BYTES)
        return nonce + self._ciphers[self.current_id].encrypt(nonce, key.secret, _bound_to(key))

    def unwrap(self, wrapped: bytes, master_key: str, key_id: bytes, subject: str) -> DataKey:
        """The key behind what the master key of an id wrapped. Raises `UnusableKeyError`."""
        cipher = self._ciphers.get(master_key)
        if cipher is None:
            raise UnusableKeyError(
                f"a data key was wrapped by master key {master_key}, which is not configured here; set "
                "RAPPORT_MASTER_KEY, or RAPPORT_PREVIOUS_MASTER_KEY, to it"
            )
        key = DataKey(key_id, subject, b"")
        try:
            secret = cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bound_to(key))
        except (InvalidTag, ValueError):
            raise UnusableKeyError(f"data key {key_id.hex()} was altered in the key store") from None
        return key._replace(secret=secret)


def master_key_id(key: bytes) -> str:
    """What stands for a master key beside the keys it wrapped: 16 hexadecimal digits."""
    return hashlib.sha256(_ID_LABEL + key).hexdigest()[:_ID_CHARACTERS]


def master_key_text(key: bytes) -> str:
    """A master key as settings have it."""
    return base64.b64encode(key).decode()


def master_keys_of(settings: Settings) -> MasterKeys:
    """The master keys of a deployment. Raises `WrongSettingsError` where there is none."""
    if settings.master_key is None:
        raise WrongSettingsError(missing("master_key"))
    previous = settings.previous_master_key
    return MasterKeys(
        base64.b64decode(settings.master_key.get_secret_value()),
        () if previous is None else (base64.b64decode(previous.get_secret_value()),),
    )


def _bound_to(key: DataKey) -> bytes:
    return b"\0".join((b"rapport data key 1", key.key_id, key.subject.encode()))


def _checked(key: bytes) -> bytes:
    if len(key) != SECRET_BYTES:
        raise ValueError(f"has {len(key)} bytes, not {SECRET_BYTES}")
    return key
