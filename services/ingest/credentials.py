"""Who may send: the seam between a request and the registrations of sources."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from shared.events.vocabulary import Channel


class SourceRegistration(NamedTuple):
    """What is known of a source beforehand: the channel of its events, where they leave it out."""

    channel: Channel | None = None


class Sender(Protocol):
    """A client whose credentials held."""

    def registration(self, source: str) -> SourceRegistration | None:
        """The registration of a source it may send for, None where it may not. For each event, so no I/O."""


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
