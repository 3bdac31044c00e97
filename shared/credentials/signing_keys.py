"""The public keys of an issuer of tokens, from a file or an address, held in memory and read anew in the background."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
import msgspec
import structlog
from jwt.exceptions import PyJWTError

REFRESH_SECONDS: Final = 300.0
_RETRY_SECONDS: Final = 5.0
_SOONEST_SECONDS: Final = 10.0  # between two looks for keys that are not known
_FETCH_SECONDS: Final = 3.0
_MOST_BYTES: Final = 1024 * 1024
_MOST_KEYS: Final = 100
ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""All of them sign with a private key: a shared secret or none at all would let anybody make tokens."""

ReadKeySet = Callable[[], Awaitable[bytes]]
"""Answers a JSON Web Key Set, or raises `KeySetUnreadableError`; bounded in time and size."""

_log = structlog.get_logger("rapport.credentials")


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


class KeySetUnreadableError(Exception):
    """The key set could not be read; the message says why."""


class SigningKeys:
    """An issuer's public keys as they were read last: they go on holding while the issuer is away."""

    def __init__(self, read: ReadKeySet, seconds: Callable[[], float]) -> None:
        """`seconds` tells the time, from any beginning on, and never goes back."""
        self._read = read
        self._seconds = seconds
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._reading: asyncio.Task[None] | None = None
        self._read_at: float | None = None
        self._failures = 0
        self.known = False
        self.on_change: Callable[[], None] = lambda: None

    def key(self, key_id: str | None) -> jwt.PyJWK | None:
        """The key of an id; for no id the only key there is."""
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def look_again(self) -> None:
        """Reads the keys once for all who ask for one that is not known; at most every 10 s."""
        if self._reading is None and (
            self._read_at is None or self._seconds() - self._read_at >= _SOONEST_SECONDS
        ):
            self._reading = asyncio.create_task(self._refresh(), name="signing keys")
        if self._reading is not None:
            await asyncio.shield(self._reading)

    async def run(self) -> None:
        """Reads the keys every five minutes until cancelled; a failure is told, and tried again in seconds."""
        try:
            while True:
                if self._reading is None:
                    self._reading = asyncio.create_task(self._refresh(), name="signing keys")
                await asyncio.shield(self._reading)
                await asyncio.sleep(_RETRY_SECONDS if self._failures else REFRESH_SECONDS)
        finally:
            if self._reading is not None:
                self._reading.cancel()

    async def _refresh(self) -> None:
        self._read_at = self._seconds()
        try:
            keys = usable_keys(await self._read())
        except KeySetUnreadableError as error:
            self._failures += 1
            if self._failures == 1:
                _log.warning("signing_keys_unreadable", reason=str(error), known=self.known)
            return
        finally:
            self._reading = None
        if self._failures:
            _log.info("signing_keys_readable")
        self._failures = 0
        self.known = True
        if fingerprints(keys) != fingerprints(self._keys):
            self._keys = keys
            self.on_change()


def usable_keys(key_set: bytes) -> dict[str | None, jwt.PyJWK]:
    """The keys of a set that verify signatures by an allowed algorithm, by id. Raises `KeySetUnreadableError`."""
    try:
        published = msgspec.json.decode(key_set, type=_KeySet).keys[:_MOST_KEYS]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise KeySetUnreadableError(f"it is no JSON Web Key Set: {error}") from error
    usable: dict[str | None, jwt.PyJWK] = {}
    for each in published:
        with suppress(
            PyJWTError, ValueError, KeyError, TypeError
        ):  # of a kind that this program does not know
            key = jwt.PyJWK(each)
            if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig"):
                usable[key.key_id] = key
    if not usable:
        raise KeySetUnreadableError(
            f"none of its keys verifies signatures by {', '.join(sorted(ALGORITHMS))}"
        )
    return usable


def fingerprints(keys: dict[str | None, jwt.PyJWK]) -> dict[str | None, str]:
    """What tells one set of keys from another."""
    return {key_id: repr(sorted(key._jwk_data.items())) for key_id, key in keys.items()}  # noqa: SLF001 - its JSON


def key_set_reader(place: str) -> ReadKeySet:
    """Reads the key set in a file or at an address, anew each time."""
    if "://" in place:
        return lambda: _fetched(place)
    return lambda: asyncio.to_thread(_read_file, Path(place))


async def _fetched(address: str) -> bytes:
    try:
        async with (
            asyncio.timeout(_FETCH_SECONDS),
            httpx.AsyncClient(timeout=_FETCH_SECONDS, follow_redirects=False) as client,
            client.stream("GET", address, headers={"accept": "application/json"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise KeySetUnreadableError(f"{address} answered {answer.status_code}")
            text = b""
            async for piece in answer.aiter_bytes():
                text += piece
                if len(text) > _MOST_BYTES:
                    raise KeySetUnreadableError(f"{address} answered more than {_MOST_BYTES} bytes")
            return text
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        raise KeySetUnreadableError(
            f"{address} did not answer: {str(error) or type(error).__name__}"
        ) from error


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise KeySetUnreadableError(f"{path}: {error.strerror}") from error
    if len(text) > _MOST_BYTES:
        raise KeySetUnreadableError(f"{path} has more than {_MOST_BYTES} bytes")
    return text
