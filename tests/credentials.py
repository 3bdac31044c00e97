"""Keys, issuers and their tokens for tests, and what a service lets in by them."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from shared.clock import Clock, system_clock
from shared.credentials.access import Access
from shared.credentials.followed_keys import FollowedKeys
from shared.credentials.issued_tokens import Expected, IssuedTokens
from shared.credentials.signing_keys import SigningKeys
from shared.credentials.stored_keys import Binding, Revision, StoredKey, make_key
from shared.credentials.token import Kind, new_key

ISSUER = "https://login.example.org/"
AUDIENCE = "rapport"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Key(NamedTuple):
    """A key with its token."""

    token: str
    stored: StoredKey

    @property
    def header(self) -> dict[str, str]:
        return bearer(self.token)


def bearer(token: str) -> dict[str, str]:
    """The header that presents a token."""
    return {"authorization": f"Bearer {token}"}


def key(kind: Kind = "source", **binding: Any) -> Key:
    """A new key bound so."""
    made = new_key(kind, secrets.token_bytes)
    stored = StoredKey(made.key_id, kind, "a key", made.secret_hash, Binding(**binding), NOON, None)
    return Key(made.token, stored)


async def stored_key(connection: asyncpg.Connection, kind: Kind = "source", **binding: Any) -> Key:
    """A new key in a database."""
    made = new_key(kind, secrets.token_bytes)
    await make_key(connection, made, kind, "a key", Binding(**binding))
    stored = StoredKey(made.key_id, kind, "a key", made.secret_hash, Binding(**binding), NOON, None)
    return Key(made.token, stored)


async def _no_database() -> asyncpg.Connection:
    raise OSError("there is no database in this test")


def keys_in_force(*keys: Key) -> FollowedKeys:
    """Keys that are known from the beginning; `take_keys` changes them."""
    followed = FollowedKeys(_no_database)
    take_keys(followed, *keys)
    return followed


def take_keys(followed: FollowedKeys, *keys: Key, revoked: int = 0) -> None:
    """Makes these the keys in force."""
    followed.take(Revision(len(keys) + revoked, revoked), {each.stored.key_id: each.stored for each in keys})


def access(
    *keys: Key,
    followed: FollowedKeys | None = None,
    tokens: IssuedTokens | None = None,
    only_this_machine: bool = True,
    clock: Clock = system_clock,
) -> Access:
    """What a service lets in by keys and tokens."""
    return Access(followed or keys_in_force(*keys), tokens, only_this_machine=only_this_machine, clock=clock)


def open_access() -> Access:
    """A machine where no key was made yet."""
    return access()


class Issuer:
    """An issuer of tokens with one key, published or not."""

    def __init__(self, key_id: str = "k1", kind: str = "RSA") -> None:
        self.key_id = key_id
        self.algorithm = "RS256" if kind == "RSA" else "ES256"
        self.private = (
            rsa.generate_private_key(public_exponent=65537, key_size=2048)
            if kind == "RSA"
            else ec.generate_private_key(ec.SECP256R1())
        )

    def public(self) -> dict[str, Any]:
        """Its public key as published."""
        key = self.private.public_key()
        text = RSAAlgorithm.to_jwk(key) if isinstance(key, rsa.RSAPublicKey) else ECAlgorithm.to_jwk(key)
        return {**json.loads(text), "kid": self.key_id, "use": "sig", "alg": self.algorithm}

    def token(self, claims: Mapping[str, Any] | None = None, *, key_id: str | None = None) -> str:
        """A token that holds at noon and for an hour, with these claims besides or instead; None takes one away."""
        given = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "kim",
            "iat": int(NOON.timestamp()),
            "exp": int(NOON.timestamp()) + 3600,
            **(claims or {}),
        }
        kept = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(kept, self.private, self.algorithm, headers={"kid": key_id or self.key_id})


def key_set(*issuers: Issuer) -> bytes:
    """The key set that publishes their keys."""
    return json.dumps({"keys": [each.public() for each in issuers]}).encode()


class PublishedKeys:
    """A key set that changes under way, and counts how often it was read."""

    def __init__(self, *issuers: Issuer) -> None:
        self.text = key_set(*issuers)
        self.reads = 0
        self.seconds = 0.0

    async def read(self) -> bytes:
        self.reads += 1
        return self.text

    def tokens(self, leeway_seconds: int = 30, requests_per_minute: int | None = None) -> IssuedTokens:
        """Tokens checked by it; keys are read when one is first wanted."""
        return IssuedTokens(
            SigningKeys(self.read, lambda: self.seconds),
            Expected(ISSUER, AUDIENCE, leeway_seconds, requests_per_minute),
        )
