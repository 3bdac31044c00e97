"""Who may send: the seam between a request and the registrations of sources."""

from collections.abc import Mapping
from typing import Protocol

from shared.senders import Sender, SourceRegistration


class CredentialCheck(Protocol):
    """Tells senders by the headers of a request."""

    async def sender(self, headers: Mapping[bytes, bytes]) -> Sender:
        """The sender, by headers with lower-case names, before the body is read.

        Raises `Problem` 401 `unauthorized` where the credentials do not hold, 429 `rate_limited` where it
        sends too much. Bounded in time.
        """


class AnyoneMaySend:
    """Checks nothing: any client may send for any source. For networks that only trusted systems reach."""

    async def sender(self, headers: Mapping[bytes, bytes]) -> Sender:
        """A sender for all sources."""
        del headers
        return _ANYONE


class _Anyone:
    def registration(self, source: str) -> SourceRegistration | None:
        del source
        return _UNREGISTERED


_UNREGISTERED = SourceRegistration()
_ANYONE = _Anyone()
