"""The field ciphers that seal with keys at hand."""

from collections.abc import Mapping
from typing import Any

from shared.field_cipher import KeyMissingError, Sealing
from shared.personal_data.data_key import DataKey, RandomBytes
from shared.personal_data.key_cache import KeyCache


class CachedKeys:
    """Seals with the keys of a cache."""

    def __init__(self, cache: KeyCache, random_bytes: RandomBytes) -> None:
        self._cache = cache
        self._random_bytes = random_bytes

    def seal(self, value: Any, sealing: Sealing) -> str:
        """The sealed text. Raises `KeyMissingError`."""
        key = self._cache.of_subject(sealing.subject)
        if key is None:
            raise KeyMissingError(sealing.subject)
        return key.seal(value, sealing, self._random_bytes)


class GivenKeys:
    """Seals with these keys, by subject."""

    def __init__(self, keys: Mapping[str, DataKey], random_bytes: RandomBytes) -> None:
        self._keys = keys
        self._random_bytes = random_bytes

    def seal(self, value: Any, sealing: Sealing) -> str:
        """The sealed text. Raises `KeyMissingError`."""
        key = self._keys.get(sealing.subject)
        if key is None:
            raise KeyMissingError(sealing.subject)
        return key.seal(value, sealing, self._random_bytes)
