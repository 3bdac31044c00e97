"""Puts the access of a process together: follows keys and issuer for as long as it is entered."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncpg
import structlog

from shared.clock import Clock
from shared.credentials.access import Access
from shared.credentials.exposure import exposed, serves_only_this_machine
from shared.credentials.followed_keys import FollowedKeys
from shared.credentials.issued_tokens import Expected, IssuedTokens
from shared.credentials.signing_keys import SigningKeys, key_set_reader
from shared.settings import Settings

_FIRST_LOOK_SECONDS: Final = 5.0

_log = structlog.get_logger("rapport.credentials")


@asynccontextmanager
async def following_access(settings: Settings, clock: Clock) -> AsyncIterator[Access]:
    """The access that settings and database give, followed until left.

    Entering waits for the first look at the keys, 5 s at most: without PostgreSQL it begins with none, lets nobody in
    until it has read them, and says so. Raises `ExposedError` where no key was ever made, no issuer is set, and others
    than this machine would be served.
    """
    url = settings.database_url.get_secret_value()
    timeout_seconds = settings.database_timeout_seconds

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(
            url,
            timeout=timeout_seconds,
            command_timeout=timeout_seconds,
            server_settings={
                "application_name": "rapport-credentials",
                "default_transaction_read_only": "on",
            },
        )

    keys = FollowedKeys(connect)
    signing = _signing_keys(settings)
    tokens = None if signing is None else IssuedTokens(signing, _expected(settings))
    only_this_machine = await asyncio.to_thread(serves_only_this_machine, settings.host)
    access = Access(keys, tokens, only_this_machine=only_this_machine, clock=clock)
    followers = [asyncio.create_task(keys.run(), name="keys")]
    if signing is not None:
        followers.append(asyncio.create_task(signing.run(), name="signing keys"))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_LOOK_SECONDS):
                await keys.first_look()
        _tell(keys, access, settings.host, only_this_machine=only_this_machine)
        yield access
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)


def _tell(keys: FollowedKeys, access: Access, host: str, *, only_this_machine: bool) -> None:
    if not keys.known:
        _log.warning(
            "credentials_unknown", reason="PostgreSQL does not answer; keys are refused until it does"
        )
    if access.keyless and not only_this_machine:
        raise exposed(host)
    if access.open:
        _log.warning("open_to_this_machine", host=host, reason="no key was made yet: nobody is asked for one")


def _signing_keys(settings: Settings) -> SigningKeys | None:
    if settings.oidc_jwks is None:
        return None
    return SigningKeys(key_set_reader(settings.oidc_jwks), time.monotonic)


def _expected(settings: Settings) -> Expected:
    return Expected(
        settings.oidc_issuer or "",
        settings.oidc_audience or "",
        settings.oidc_leeway_seconds,
        settings.oidc_requests_per_minute or None,
    )
