"""A key store in memory, which can be told to be away."""

import random
from collections.abc import Collection

from shared.personal_data.data_key import DataKey, new_data_key
from shared.personal_data.key_store import KeyStoreUnavailableError

MASTER_KEY = "bWFzdGVyLWtleS1mb3ItdGVzdHMtYWxvbmUtMzJieXQ="


class MemoryKeyStore:
    """Keys live as long as this object. `asked` counts the questions for keys that were answered."""

    def __init__(self, seed: int = 0) -> None:
        self.away = False
        self.asked = 0
        self.keys: dict[str, DataKey] = {}
        self._random = random.Random(seed)
        self._destroyed: list[bytes] | None = None

    async def of_subjects(self, subjects: Collection[str]) -> list[DataKey]:
        self._check()
        for subject in sorted(set(subjects) - self.keys.keys()):
            self.keys[subject] = new_data_key(subject, self._random.randbytes)
        return [self.keys[subject] for subject in subjects]

    async def of_ids(self, key_ids: Collection[bytes]) -> list[DataKey]:
        self._check()
        return [key for key in self.keys.values() if key.key_id in key_ids]

    async def destroyed(self) -> list[bytes]:
        if self.away:
            raise KeyStoreUnavailableError("the key store was told to be away")
        found, self._destroyed = self._destroyed or [], []
        return found

    async def close(self) -> None:
        pass

    def destroy(self, subject: str) -> None:
        """Destroys a subject's key."""
        key = self.keys.pop(subject)
        if self._destroyed is not None:
            self._destroyed.append(key.key_id)

    def _check(self) -> None:
        if self.away:
            raise KeyStoreUnavailableError("the key store was told to be away")
        self.asked += 1
