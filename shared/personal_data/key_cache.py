"""Data keys at hand: a bounded number, each for a bounded time."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from shared.personal_data.data_key import DataKey

MOST_KEYS: Final = 32_768
LIFETIME_SECONDS: Final = 900.0
"""The longest that a key is used without being seen in the key store again."""

Monotonic = Callable[[], float]
"""Seconds on a clock that only goes forward."""


class _Kept(NamedTuple):
    key: DataKey
    until: float


class KeyCache:
    """Keys by subject and by id; beyond the bound, the one kept longest makes room."""

    def __init__(self, monotonic: Monotonic, most_keys: int = MOST_KEYS) -> None:
        self._monotonic = monotonic
        self._most_keys = most_keys
        self._by_id: dict[bytes, _Kept] = {}
        self._by_subject: dict[str, _Kept] = {}

    def __len__(self) -> int:
        """How many keys are kept."""
        return len(self._by_id)

    def of_subject(self, subject: str) -> DataKey | None:
        """The subject's key, where it is at hand."""
        kept = self._by_subject.get(subject)
        return kept.key if kept is not None and self._monotonic() < kept.until else None

    def of_id(self, key_id: bytes) -> DataKey | None:
        """The key of an id, where it is at hand."""
        kept = self._by_id.get(key_id)
        return kept.key if kept is not None and self._monotonic() < kept.until else None

    def keep(self, keys: Iterable[DataKey]) -> None:
        """Keeps keys as they were just seen in the key store."""
        until = self._monotonic() + LIFETIME_SECONDS
        for key in keys:
            self.drop(key.key_id)
            kept = _Kept(key, until)
            self._by_id[key.key_id] = kept
            self._by_subject[key.subject] = kept
        while len(self._by_id) > self._most_keys:
            self.drop(next(iter(self._by_id)))

    def drop(self, key_id: bytes) -> None:
        """Forgets a key, whether it is kept or not."""
        kept = self._by_id.pop(key_id, None)
        if kept is not None and self._by_subject.get(kept.key.subject) is kept:
            del self._by_subject[kept.key.subject]
