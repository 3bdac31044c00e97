"""Who may send events for which sources."""

from typing import NamedTuple, Protocol

from shared.events.vocabulary import Channel


class SourceRegistration(NamedTuple):
    """What is known of a source beforehand: the channel of its events, where they leave it out, and the region of phone
    numbers without a country code, where it is not the deployment's.
    """

    channel: Channel | None = None
    phone_region: str | None = None


class Sender(Protocol):
    """A client whose credentials held."""

    def registration(self, source: str) -> SourceRegistration | None:
        """The registration of a source it may send for, None where it may not. For each event, so no I/O."""
