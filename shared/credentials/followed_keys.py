"""The keys in force, held in memory: a request costs a look-up and no wait, and PostgreSQL may be away."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import asyncpg
import structlog

from shared.credentials.bearer import Bearer
from shared.credentials.stored_keys import CHANNEL, Revision, StoredKey, keys_in_force, revision
from shared.credentials.token import Kind, holds, presented

_LOOK_SECONDS: Final = 0.5
_RECONNECT_SECONDS: Final = (0.0, 0.1, 0.25, 0.5)
_FAILURES_TO_TELL: Final = 2
_LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_ANNOUNCES_NOTHING: Final = (asyncpg.ReadOnlySQLTransactionError, asyncpg.ObjectNotInPrerequisiteStateError)

_log = structlog.get_logger("rapport.credentials")


class FollowedKeys:
    """The keys of a deployment as of a moment ago.

    Follows them by LISTEN, and looks every half second in case an announcement is lost: so a revoked key is refused
    within a second while PostgreSQL answers. While it does not, what was known last goes on holding. `connect` opens
    the follower's own connection.
    """

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self._connect = connect
        self._keys: dict[str, tuple[Kind, bytes, Bearer]] = {}
        self._revision: Revision | None = None
        self._failures = 0
        self._look_now = asyncio.Event()
        self._attempted = asyncio.Event()
        self._known = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None

    @property
    def known(self) -> bool:
        """Whether the keys were ever read."""
        return self._revision is not None

    @property
    def ever_made(self) -> bool:
        """Whether any key was ever made, of which all may be revoked by now."""
        return self._revision is not None and self._revision.made > 0

    def names(self) -> set[str]:
        """The names of all bearers."""
        return {bearer.name for _, _, bearer in self._keys.values()}

    def named(self, name: str) -> Bearer | None:
        """The bearer of this name, None where no key in force has it."""
        _, _, key_id = name.rpartition(":")
        key = self._keys.get(key_id)
        return None if key is None or key[2].name != name else key[2]

    def bearer(self, token: bytes) -> Bearer | None:
        """Whoever bears the key, None where no key in force is this one."""
        parts = presented(token)
        key = None if parts is None else self._keys.get(parts.key_id)
        if parts is None or key is None:
            return None
        kind, secret_hash, bearer = key
        return bearer if holds(parts, kind, secret_hash) else None

    async def first_look(self) -> None:
        """Returns once a look at the keys succeeded or failed."""
        await self._attempted.wait()

    async def check_known(self) -> None:
        """Returns once the keys were read. Waits as long as it is let; for readiness checks, which are bounded."""
        await self._known.wait()

    async def run(self) -> None:
        """Follows the keys until cancelled, through any outage of the database."""
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 - a follower that ended would let revoked keys in for ever
                self._lost(error)
                await asyncio.sleep(_RECONNECT_SECONDS[min(self._failures, len(_RECONNECT_SECONDS)) - 1])

    async def _follow(self) -> None:
        connection = await self._connect()
        try:
            with suppress(*_ANNOUNCES_NOTHING):
                await connection.add_listener(CHANNEL, self._on_announcement)
            while True:
                self._look_now.clear()
                found = await revision(connection)
                if found != self._revision:
                    keys = await keys_in_force(connection) if found.made else {}
                    self.take(found, keys)
                self._failures = 0
                self._attempted.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._look_now.wait()
        finally:
            connection.terminate()

    def _lost(self, error: Exception) -> None:
        self._failures += 1
        self._attempted.set()
        if not isinstance(error, _LOST):
            _log.error("credentials_not_followed", known=self.known, exc_info=error)
        elif self._failures == _FAILURES_TO_TELL:
            _log.warning("credentials_not_followed", error=type(error).__name__, known=self.known)

    def take(self, found: Revision, keys: Mapping[str, StoredKey]) -> None:
        """Holds these keys from now on, and no others."""
        self._keys = {key_id: (key.kind, key.secret_hash, key.bearer()) for key_id, key in keys.items()}
        self._revision = found
        self._known.set()
        self.on_change()

    def _on_announcement(self, _connection: Any, _process: int, _channel: str, _payload: object) -> None:
        self._look_now.set()
