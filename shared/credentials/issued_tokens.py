"""Tokens of an OIDC issuer (JWT): checked by the issuer's public keys, and remembered until they expire."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import jwt
from jwt.exceptions import PyJWTError

from shared.credentials.bearer import SUBJECT, Bearer
from shared.credentials.signing_keys import ALGORITHMS, SigningKeys
from shared.events.vocabulary import LATEST

_MOST_REMEMBERED: Final = 10_000
_MOST_BYTES: Final = 8 * 1024
_MOST_NAMES: Final = 100
_MOST_CHARACTERS: Final = 256
_REQUIRED: Final = ("exp", "iss", "aud", "sub")


class TokenRefusedError(Exception):
    """A token does not hold; the message says why, for its bearer."""


class Expected(NamedTuple):
    """Whose tokens hold, for whom they must be meant, and by how many seconds clocks may differ.

    `requests_per_minute` is how many requests the tokens of one subject may come with, None for no limit.
    """

    issuer: str
    audience: str
    leeway_seconds: int
    requests_per_minute: int | None = None


class _Verified(NamedTuple):
    bearer: Bearer
    not_before: float
    expires: float


class IssuedTokens:
    """Tells bearers by an issuer's tokens. One seen before costs a look-up, a new one a check of less than 1 ms."""

    def __init__(self, keys: SigningKeys, expected: Expected) -> None:
        self._keys = keys
        self._expected = expected
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        keys.on_change = self._verified.clear  # a key that the issuer took back verifies nothing any longer

    @property
    def known(self) -> bool:
        """Whether the issuer's keys were ever read."""
        return self._keys.known

    async def bearer(self, token: bytes, now: float) -> Bearer:
        """The bearer of a token at a time in seconds since 1970. Raises `TokenRefusedError`.

        Waits only where the token names a key that is not known: then for one look for new keys, which is bounded.
        """
        digest = hashlib.sha256(token).digest()
        verified = self._verified.get(digest)
        if verified is None:
            verified = await self._verify(token)
            self._verified[digest] = verified
            if len(self._verified) > _MOST_REMEMBERED:
                self._verified.popitem(last=False)
        leeway = self._expected.leeway_seconds
        if now >= verified.expires + leeway:
            del self._verified[digest]
            raise TokenRefusedError("it has expired; get a new one from the issuer")
        if now < verified.not_before - leeway:
            raise TokenRefusedError("it is not valid yet; compare the clocks of issuer and service")
        return verified.bearer

    async def _verify(self, token: bytes) -> _Verified:
        if len(token) > _MOST_BYTES:
            raise TokenRefusedError(f"it has more than {_MOST_BYTES} bytes")
        try:
            header = jwt.get_unverified_header(token)
        except (PyJWTError, ValueError, RecursionError) as error:
            raise TokenRefusedError("it is neither a key of this service nor a JSON Web Token") from error
        key_id = header.get("kid")
        if header.get("alg") not in ALGORITHMS:
            raise TokenRefusedError(f"it is not signed by one of {', '.join(sorted(ALGORITHMS))}")
        key = self._keys.key(key_id)
        if key is None:
            await self._keys.look_again()
            key = self._keys.key(key_id)
        if key is None:
            raise TokenRefusedError("it is signed with a key that the issuer does not publish")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._expected.audience,
                issuer=self._expected.issuer,
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenRefusedError(f"it does not hold: {_reason(error)}") from error
        expires = _seconds(claims, "exp", 0.0)
        return _Verified(
            _bearer(claims, expires, self._expected.requests_per_minute),
            max(_seconds(claims, "nbf", 0.0), _seconds(claims, "iat", 0.0)),
            expires,
        )


def _reason(error: Exception) -> str:
    if isinstance(error, jwt.InvalidAudienceError):
        return "it is meant for another audience"
    if isinstance(error, jwt.InvalidIssuerError):
        return "it comes from another issuer"
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"it has no claim {error.claim!r}"
    return "its signature or its form is wrong"


def _bearer(claims: Mapping[str, Any], expires: float, requests_per_minute: int | None) -> Bearer:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _MOST_CHARACTERS:
        raise TokenRefusedError(f"its claim 'sub' is not a text of 1 to {_MOST_CHARACTERS} characters")
    prefixes = _names(claims, "rapport_sources") or ()
    purposes = _names(claims, "rapport_purposes")
    return Bearer(
        name=f"{SUBJECT}{subject}",
        prefixes=tuple(prefix.rstrip("/") for prefix in prefixes),
        roles=frozenset(_names(claims, "roles") or ()),
        purposes=None if purposes is None else frozenset(purposes),
        requests_per_minute=requests_per_minute,
        ends_at=datetime.fromtimestamp(min(expires, LATEST.timestamp()), UTC),
    )


def _names(claims: Mapping[str, Any], claim: str) -> list[str] | None:
    names = claims.get(claim)
    if names is None:
        return None
    if (
        not isinstance(names, list)
        or len(names) > _MOST_NAMES
        or not all(isinstance(each, str) and 0 < len(each) <= _MOST_CHARACTERS for each in names)
    ):
        raise TokenRefusedError(f"its claim {claim!r} is not a list of at most {_MOST_NAMES} texts")
    return names


def _seconds(claims: Mapping[str, Any], claim: str, absent: float) -> float:
    value = claims.get(claim, absent)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise TokenRefusedError(f"its claim {claim!r} is not a time in seconds since 1970")
    return float(value)
