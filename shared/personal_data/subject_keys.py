"""The data keys of a process: from its cache, else from the key store, in which one task follows what is destroyed."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple, TypeVar

from shared.metrics import Metrics
from shared.personal_data.ciphers import CachedKeys, GivenKeys
from shared.personal_data.data_key import DataKey, RandomBytes
from shared.personal_data.key_cache import KeyCache
from shared.personal_data.key_store import KeyStore, KeyStoreUnavailableError, PostgresKeyStore
from shared.personal_data.master_keys import master_keys_of
from shared.settings import Settings

Name = TypeVar("Name", str, bytes)

LOOK_SECONDS: Final = 0.5
"""From one look for destroyed keys to the next, so that a key is used no more than this and a query after its end."""
MOST_WAITED_FOR: Final = 100_000
MOST_WAIT_SECONDS: Final = 4.0
_STOPPED: Final = "this service is stopping"


class _Asked(NamedTuple):
    subjects: frozenset[str]
    key_ids: frozenset[bytes]
    answer: asyncio.Future[list[DataKey]]


class SubjectKeys:
    """Keys for sealing and for opening. One of it serves a process.

    What requests ask for at the same time is asked of the store together. `run` must be running.
    """

    def __init__(self, store: KeyStore, cache: KeyCache, random_bytes: RandomBytes) -> None:
        self._store = store
        self._cache = cache
        self._random_bytes = random_bytes
        self._asked: list[_Asked] = []
        self._wake = asyncio.Event()
        self._follows = False
        self._ended = False
        self.cipher: Final = CachedKeys(cache, random_bytes)
        """Seals with the keys at hand."""

    async def cipher_of(self, subjects: Collection[str]) -> GivenKeys:
        """A cipher with the keys of these subjects, made where there were none.

        A key that cannot be unwrapped here is missing from it. Raises `KeyStoreUnavailableError` where a key is not at
        hand and the store is away. Cancelling it is safe, and so is repeating.
        """
        found, missing = _split(subjects, self._cache.of_subject)
        if missing:
            found |= {key.subject: key for key in await self._ask(subjects=missing)}
        return GivenKeys(found, self._random_bytes)

    async def of_ids(self, key_ids: Collection[bytes]) -> Mapping[bytes, DataKey]:
        """The keys of these ids that are known, not destroyed, and can be unwrapped here.

        Raises `KeyStoreUnavailableError` where one is not at hand and the store is away.
        """
        found, missing = _split(key_ids, self._cache.of_id)
        if missing:
            found |= {key.key_id: key for key in await self._ask(key_ids=missing)}
        return found

    async def run(self) -> None:
        """Asks the store, and follows what is destroyed, until cancelled; goes on through any outage of the store."""
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(look_at):
                        await self._wake.wait()
                self._wake.clear()
                asked, self._asked = self._asked, []
                try:
                    if loop.time() >= look_at:
                        await self._look()
                    await self._answer(asked)
                except KeyStoreUnavailableError as error:
                    _refuse(asked, str(error))
                except asyncio.CancelledError:
                    _refuse(asked, _STOPPED)
                    raise
                look_at = look_at if loop.time() < look_at else loop.time() + LOOK_SECONDS
        finally:
            self._ended = True
            _refuse(self._asked, _STOPPED)
            await self._store.close()

    async def _ask(self, *, subjects: Iterable[str] = (), key_ids: Iterable[bytes] = ()) -> list[DataKey]:
        if self._ended:
            raise KeyStoreUnavailableError(_STOPPED)
        asked = _Asked(frozenset(subjects), frozenset(key_ids), asyncio.get_running_loop().create_future())
        waited_for = sum(len(each.subjects) + len(each.key_ids) for each in self._asked)
        if waited_for > MOST_WAITED_FOR:
            raise KeyStoreUnavailableError(f"{waited_for} keys are being waited for already")
        self._asked.append(asked)
        self._wake.set()
        try:
            async with asyncio.timeout(MOST_WAIT_SECONDS):
                return await asked.answer
        except TimeoutError:
            raise KeyStoreUnavailableError(
                f"the key store took longer than {MOST_WAIT_SECONDS:g} s"
            ) from None

    async def _look(self) -> None:
        for key_id in await self._store.destroyed():
            self._cache.drop(key_id)
        self._follows = True

    async def _answer(self, asked: list[_Asked]) -> None:
        """One after the other with looks, so that no key loaded before its destruction is kept after it was seen."""
        asked = [each for each in asked if not each.answer.done()]
        subjects = frozenset[str]().union(*(each.subjects for each in asked))
        key_ids = frozenset[bytes]().union(*(each.key_ids for each in asked))
        by_subject = {key.subject: key for key in await self._store.of_subjects(subjects)} if subjects else {}
        by_id = {key.key_id: key for key in await self._store.of_ids(key_ids)} if key_ids else {}
        if self._follows:
            self._cache.keep([*by_subject.values(), *by_id.values()])
        for each in asked:
            if not each.answer.done():
                found = [by_subject[subject] for subject in each.subjects if subject in by_subject]
                each.answer.set_result([*found, *(by_id[key] for key in each.key_ids if key in by_id)])


def _refuse(asked: list[_Asked], reason: str) -> None:
    for each in asked:
        if not each.answer.done():
            each.answer.set_exception(KeyStoreUnavailableError(reason))


def _split(
    names: Collection[Name], at_hand: Callable[[Name], DataKey | None]
) -> tuple[dict[Name, DataKey], list[Name]]:
    """The keys at hand by name, and the names of those that are not."""
    found: dict[Name, DataKey] = {}
    missing: list[Name] = []
    for name in names:
        key = at_hand(name)
        if key is None:
            missing.append(name)
        else:
            found[name] = key
    return found, missing


@asynccontextmanager
async def open_subject_keys(settings: Settings, metrics: Metrics) -> AsyncIterator[SubjectKeys]:
    """The keys of a deployment. Connects to nothing yet, and needs no key store as long as no key is asked for.

    Raises `WrongSettingsError` where the settings have no master key.
    """
    store = PostgresKeyStore(
        settings.database_url.get_secret_value(),
        settings.database_timeout_seconds,
        master_keys_of(settings),
        os.urandom,
        metrics.personal_data,
    )
    async with followed_keys(store) as keys:
        yield keys


@asynccontextmanager
async def followed_keys(
    store: KeyStore, random_bytes: RandomBytes = os.urandom
) -> AsyncIterator[SubjectKeys]:
    """The keys of a store, which is let go of when left."""
    keys = SubjectKeys(store, KeyCache(asyncio.get_running_loop().time), random_bytes)
    running = asyncio.create_task(keys.run(), name="subject keys")
    try:
        yield keys
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
