"""Opens sealed values for readers: a page of them at once, with at most one question to the key store."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from shared.events.sealed import is_sealed
from shared.field_cipher import Sealing
from shared.metrics import PersonalDataMetrics
from shared.personal_data.data_key import DataKey, SealBrokenError, key_id_of


class SealedValue(NamedTuple):
    """A value of a recorded event, sealed or not, and what it has to be bound to."""

    value: Any
    sealing: Sealing


class KeysById(Protocol):
    """What the opener needs of `SubjectKeys`."""

    async def of_ids(self, key_ids: Collection[bytes]) -> Mapping[bytes, DataKey]:
        """The keys that are known, not destroyed, and can be unwrapped. Raises `KeyStoreUnavailableError`."""


class Opener:
    """Opens values, absent where that cannot be: a key destroyed, unknown or not unwrapped, or a value altered."""

    def __init__(self, keys: KeysById, metrics: PersonalDataMetrics) -> None:
        self._keys = keys
        self._no_key = metrics.unopened.labels("no_key")
        self._broken = metrics.unopened.labels("broken")

    async def open(self, values: Sequence[SealedValue]) -> list[Any]:
        """What each value says, in their order, None where it is absent. What was recorded unsealed passes as it is.

        Raises `KeyStoreUnavailableError` where a key is not at hand and the key store is away. Takes a few microseconds
        a value without yielding, so callers hand over a page, not a log.
        """
        named = [self._key_id_of(each) for each in values]
        keys = await self._keys.of_ids({key_id for key_id in named if key_id is not None})
        return [self._opened(each, key_id, keys) for each, key_id in zip(values, named, strict=True)]

    def _key_id_of(self, each: SealedValue) -> bytes | None:
        if not is_sealed(each.value):
            return None
        try:
            return key_id_of(each.value)
        except SealBrokenError:
            self._broken.inc()
            return None

    def _opened(self, each: SealedValue, key_id: bytes | None, keys: Mapping[bytes, DataKey]) -> Any:
        if not is_sealed(each.value):
            return each.value
        if key_id is None:
            return None
        key = keys.get(key_id)
        if key is None:
            self._no_key.inc()
            return None
        try:
            return key.open(each.value, each.sealing)
        except SealBrokenError:
            self._broken.inc()
            return None
