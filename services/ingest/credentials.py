"""Who may send: the seam between a request and the registrations of sources."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from shared.credentials.access import Access
from shared.credentials.bearer import is_own
from shared.http.problems import Problem
from shared.senders import Sender, SourceRegistration


class Told(NamedTuple):
    """A sender, and the headers that its answer carries besides."""

    sender: Sender
    headers: tuple[tuple[bytes, bytes], ...] = ()


class CredentialCheck(Protocol):
    """Tells senders by the headers of a request."""

    async def told(self, headers: Mapping[bytes, bytes]) -> Told:
        """The sender, by headers with lower-case names, before the body is read.

        Raises `Problem` 401 `unauthorized` where the credentials do not hold, 403 `forbidden_source` where they may
        send nothing, 429 `rate_limited` where they send too much, 503 where nobody can tell. Bounded in time.
        """


class SendersByAccess:
    """Takes keys and tokens that are bound to sources; while the door is open, anybody for any source."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def told(self, headers: Mapping[bytes, bytes]) -> Told:
        """The bearer of the request's credential."""
        bearer, limits = await self._access.admit(headers.get(b"authorization"))
        if bearer is None:
            return _ANYBODY
        if not bearer.prefixes:
            detail = "these credentials are bound to no source, so they send nothing; they may be a reader's"
            raise Problem(403, "forbidden_source", detail)
        return Told(bearer, limits)


class _Anybody:
    def registration(self, source: str) -> SourceRegistration | None:
        return None if is_own(source) else _UNREGISTERED


_UNREGISTERED = SourceRegistration()
_ANYBODY = Told(_Anybody())
