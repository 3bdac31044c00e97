"""Whoever bears a credential that holds: what they may send, and which roles they read in."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.senders import SourceRegistration

OWN_SOURCES: Final = "/rapport"
"""What Rapport's own services send events as; nobody outside may."""

SUBJECT: Final = "subject:"
"""What the names of bearers of an issuer's tokens begin with."""

# A reader of sources as paths could take `/store/1/../10` for another one's.
_DOT_SEGMENT: Final = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|\?|#|$)|%2f", re.IGNORECASE)


def lies_within(source: str, prefix: str) -> bool:
    """Whether a source is `prefix` or below it, by whole path segments: `/store/10` is not below `/store/1`."""
    return source.startswith(prefix) and (len(source) == len(prefix) or source[len(prefix)] == "/")


def is_own(source: str) -> bool:
    """Whether a source is one of Rapport's services."""
    return lies_within(source, OWN_SOURCES)


_UNREGISTERED: Final = SourceRegistration()


@dataclass(frozen=True, slots=True)
class Bearer:
    """A client whose credential holds.

    `name` is `key:ID`, or `subject:SUB` for the bearer of an issuer's token. `prefixes`, without a slash at their end,
    bind what it may send; none means that it sends nothing. `purposes` narrow what its roles may read for; None leaves
    all of it. `requests_per_minute` is None for no limit. `ends_at` is when an
    issuer's token ends; None for a key, which holds until it is revoked.
    """

    name: str
    prefixes: tuple[str, ...] = ()
    registered: SourceRegistration = _UNREGISTERED
    roles: frozenset[str] = frozenset()
    purposes: frozenset[str] | None = None
    requests_per_minute: int | None = None
    ends_at: datetime | None = None

    def registration(self, source: str) -> SourceRegistration | None:
        """The registration of a source it may send for, None where it may not."""
        if any(lies_within(source, prefix) for prefix in self.prefixes):
            return None if is_own(source) or _DOT_SEGMENT.search(source) else self.registered
        return None
