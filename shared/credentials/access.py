"""Who may come in: keys, tokens of an issuer, and the open door of a machine where no key was made yet."""

from typing import Final, NamedTuple

from shared.clock import Clock
from shared.credentials.bearer import SUBJECT, Bearer
from shared.credentials.followed_keys import FollowedKeys
from shared.credentials.issued_tokens import IssuedTokens, TokenRefusedError
from shared.credentials.rate_limits import RateLimits
from shared.credentials.token import PREFIX
from shared.http.problems import Problem

_SCHEME: Final = b"bearer "
_CHALLENGE: Final = {"www-authenticate": 'Bearer realm="rapport"'}
_INVALID: Final = {"www-authenticate": 'Bearer realm="rapport", error="invalid_token"'}
_HOW: Final = "send a key of `rapport keys create`, or a token of the issuer, as `Authorization: Bearer …`"


class Admitted(NamedTuple):
    """A request that may come in: None stands for anybody, at an open door. `headers` tell of a rate limit."""

    bearer: Bearer | None
    headers: tuple[tuple[bytes, bytes], ...] = ()


ANYBODY: Final = Admitted(None)


class Access:
    """Decides by the `Authorization` of a request. Shared by all services of a process."""

    def __init__(
        self, keys: FollowedKeys, tokens: IssuedTokens | None, *, only_this_machine: bool, clock: Clock
    ) -> None:
        """`only_this_machine` says that nobody but this machine reaches the service."""
        self._keys = keys
        self._tokens = tokens
        self._only_this_machine = only_this_machine
        self._clock = clock
        self._limits, self._limits_of_subjects = RateLimits(), RateLimits()
        keys.on_change = lambda: self._limits.keep(keys.names())

    @property
    def keyless(self) -> bool:
        """Whether it is known that no key was ever made, and no issuer is set: nobody could come in."""
        return self._tokens is None and self._keys.known and not self._keys.ever_made

    @property
    def open(self) -> bool:
        """Whether anybody may come in. Ends with the first key, and does not begin again when that is revoked."""
        return self._only_this_machine and self.keyless

    async def admit(self, authorization: bytes | None) -> Admitted:
        """Lets a request in, without waiting but for a key of the issuer that nobody has seen before.

        Raises the problems 401 `unauthorized`, 429 `rate_limited` and 503 `database_unavailable`, as long as the keys
        were never read, or `issuer_unavailable`.
        """
        if authorization is None:
            if self.open:
                return ANYBODY
            self._refuse_while_unknown()
            raise Problem(
                401, "unauthorized", f"no credential came with the request; {_HOW}", headers=_CHALLENGE
            )
        if self.open:
            return ANYBODY
        if authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise Problem(401, "unauthorized", f"only bearer credentials count; {_HOW}", headers=_CHALLENGE)
        token = authorization[len(_SCHEME) :].strip()
        bearer = self._keys.bearer(token)
        if bearer is None:
            bearer = await self._bearer_of_issued(token)
        return self._within_limit(bearer)

    def in_force(self, name: str) -> Bearer | None:
        """The bearer that a key in force is to be, by its name; None where no such key is in force."""
        return self._keys.named(name)

    async def check_known(self) -> None:
        """Returns once it is known whom to let in; a readiness check."""
        await self._keys.check_known()

    async def _bearer_of_issued(self, token: bytes) -> Bearer:
        if token.startswith(PREFIX) or self._tokens is None:
            self._refuse_while_unknown()
            detail = f"this key is unknown or revoked; {_HOW}"
            raise Problem(401, "unauthorized", detail, headers=_INVALID)
        try:
            return await self._tokens.bearer(token, self._clock().timestamp())
        except TokenRefusedError as error:
            if not self._tokens.known:
                detail = "the keys of the issuer could not be read yet; send it again"
                raise Problem(503, "issuer_unavailable", detail, retry_after_seconds=1) from error
            raise Problem(401, "unauthorized", f"the token was refused: {error}", headers=_INVALID) from error

    def _refuse_while_unknown(self) -> None:
        if not self._keys.known:
            detail = "PostgreSQL did not tell yet which keys there are; send it again"
            raise Problem(503, "database_unavailable", detail, retry_after_seconds=1)

    def _within_limit(self, bearer: Bearer) -> Admitted:
        if bearer.requests_per_minute is None:
            return Admitted(bearer)
        limits = self._limits_of_subjects if bearer.name.startswith(SUBJECT) else self._limits
        taken = limits.take(bearer.name, bearer.requests_per_minute, self._clock().timestamp())
        if taken.retry_after_seconds:
            detail = f"this credential may send {bearer.requests_per_minute} requests a minute; wait and send it again"
            raise Problem(
                429,
                "rate_limited",
                detail,
                retry_after_seconds=taken.retry_after_seconds,
                headers={name.decode(): value.decode() for name, value in taken.headers},
            )
        return Admitted(bearer, taken.headers)
