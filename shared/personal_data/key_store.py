"""The key store as services ask it: PostgreSQL over one connection, that is made anew when it is lost."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

import asyncpg
import structlog

from shared.metrics import PersonalDataMetrics
from shared.personal_data.data_key import DataKey, RandomBytes, new_data_key
from shared.personal_data.key_table import (
    MOST_A_STATEMENT,
    Destruction,
    WrappedKey,
    add_keys,
    destructions_after,
    keys_of_ids,
    keys_of_subjects,
    last_destruction,
)
from shared.personal_data.master_keys import MasterKeys, UnusableKeyError

_AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a server that ended the session just as a command began
)
_CLOSE_SECONDS: Final = 1.0
Item = TypeVar("Item")
Answer = TypeVar("Answer")
Asked = ParamSpec("Asked")


class KeyStoreUnavailableError(Exception):
    """The key store does not answer, as the message says without any secret. Asking again is safe."""


class KeyStore(Protocol):
    """Where data keys are kept. One call at a time. Each raises `KeyStoreUnavailableError`, in bounded time."""

    async def of_subjects(self, subjects: Collection[str]) -> list[DataKey]:
        """The keys of subjects, made and durable where there were none before.

        One whose key cannot be unwrapped here has none in the answer.
        """

    async def of_ids(self, key_ids: Collection[bytes]) -> list[DataKey]:
        """The keys of these ids; what is unknown, destroyed or cannot be unwrapped here is left out."""

    async def destroyed(self) -> list[bytes]:
        """The ids of keys destroyed since the last call; the first call answers none and begins the count."""

    async def close(self) -> None:
        """Lets go of the store. May be repeated."""


class PostgresKeyStore:
    """Data keys in `control.subject_keys`."""

    def __init__(
        self,
        url: str,
        timeout_seconds: float,
        masters: MasterKeys,
        random_bytes: RandomBytes,
        metrics: PersonalDataMetrics,
    ) -> None:
        """Connects when first asked; connecting and each statement take at most `timeout_seconds`."""
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._masters = masters
        self._random_bytes = random_bytes
        self._metrics = metrics
        self._connection: asyncpg.Connection | None = None
        self._last_destruction: Destruction | None = None

    async def of_subjects(self, subjects: Collection[str]) -> list[DataKey]:
        """As `KeyStore`."""
        found: list[DataKey] = []
        for some in _parts(subjects):
            found += await self._asked(self._of_subjects, some)
        return found

    async def of_ids(self, key_ids: Collection[bytes]) -> list[DataKey]:
        """As `KeyStore`."""
        found: list[DataKey] = []
        for some in _parts(key_ids):
            wrapped = await self._asked(keys_of_ids, some)
            found += self._unwrapped(wrapped)
        return found

    async def destroyed(self) -> list[bytes]:
        """As `KeyStore`."""
        if self._last_destruction is None:
            self._last_destruction = await self._asked(last_destruction)
            return []
        since = self._last_destruction
        found: list[Destruction] = []
        while True:
            page = await self._asked(destructions_after, since)
            found += page
            if len(page) < MOST_A_STATEMENT:
                break
            since = page[-1]
        if found:
            self._last_destruction = found[-1]
        return [each.key_id for each in found]

    async def close(self) -> None:
        """As `KeyStore`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=_CLOSE_SECONDS)
            except _AWAY:
                connection.terminate()

    async def _of_subjects(self, connection: asyncpg.Connection, subjects: Sequence[str]) -> list[DataKey]:
        wrapped = await keys_of_subjects(connection, subjects)
        have = {each.subject for each in wrapped}
        lacking = [each for each in subjects if each not in have]
        if lacking:
            made = [new_data_key(each, self._random_bytes) for each in lacking]
            await add_keys(connection, made, self._masters, self._random_bytes)
            # Another service may have made some of them first, and those count.
            wrapped += await keys_of_subjects(connection, lacking)
        return self._unwrapped(wrapped)

    def _unwrapped(self, wrapped: Sequence[WrappedKey]) -> list[DataKey]:
        keys: list[DataKey] = []
        reason = ""
        for each in wrapped:
            try:
                keys.append(each.unwrapped(self._masters))
            except UnusableKeyError as error:
                self._metrics.unusable_keys.inc()
                reason = str(error)
        if reason:
            log = structlog.get_logger("rapport.personal_data")
            log.error("data_keys_unusable", count=len(wrapped) - len(keys), reason=reason)
        return keys

    async def _asked(
        self,
        what: Callable[Concatenate[asyncpg.Connection, Asked], Awaitable[Answer]],
        *given: Asked.args,
        **named: Asked.kwargs,
    ) -> Answer:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
            answer = await what(self._connection, *given, **named)
        except BaseException as error:
            self._abandon()
            if isinstance(error, _AWAY):
                self._metrics.key_store_up.set(0)
                raise KeyStoreUnavailableError(_worded(error)) from error
            raise
        self._metrics.key_store_up.set(1)
        return answer

    async def _connect(self) -> asyncpg.Connection:
        bound_ms = str(int(self._timeout_seconds * 1000))
        return await asyncpg.connect(
            self._url,
            timeout=self._timeout_seconds,
            command_timeout=self._timeout_seconds,
            server_settings={
                "application_name": "rapport key store",
                "synchronous_commit": "on",  # a key is durable before anything is sealed with it
                "statement_timeout": bound_ms,
                "lock_timeout": bound_ms,
            },
        )

    def _abandon(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _parts(items: Collection[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while part := list(islice(rest, MOST_A_STATEMENT)):
        yield part


def _worded(error: BaseException) -> str:
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
        return "the key store has no tables; make them with: rapport migrate"
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return "the key store takes no writes (PostgreSQL is read-only, or was failed over)"
    return f"the key store does not answer ({type(error).__name__})"
