"""Which policies were in force when a complaint was opened? Told from its place in the log, the same in a rebuild."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.projections.complaints.policy import Policies
from services.projections.complaints.policy_content import policies_of, version_of

_VERSIONS_IN_MEMORY = 64


@dataclass(frozen=True, slots=True)
class Registration:
    """A content that came into force: for events from these offsets on, by partition.

    A partition that is not named did not exist then, and all its events come later.
    """

    content: str
    first_offsets: Mapping[int, int]

    @property
    def version(self) -> str:
        """The version of its content."""
        return version_of(self.content)


class PolicyHistory:
    """All policies that came into force, in that order; at least one. It never changes: another history is another one.

    The same content may come into force again after another. Events before the first registration are judged by it.
    At most 64 versions are kept ready, the others are made again from their content when they are asked for; that takes
    milliseconds, and finds time zones where `zoneinfo` does.
    """

    def __init__(self, registrations: Sequence[Registration]) -> None:
        if not registrations:
            raise ValueError("a history of complaint policies needs at least one registration")
        self._registrations = [(each.first_offsets, each.version) for each in registrations]
        self._contents = {each.version: each.content for each in registrations}
        self._ready = lru_cache(maxsize=_VERSIONS_IN_MEMORY)(self._read)

    def at(self, partition: int, offset: int) -> Policies:
        """The policies in force for an event at a place in the log."""
        for first_offsets, version in reversed(self._registrations):
            if first_offsets.get(partition, 0) <= offset:
                return self.version(version)
        return self.version(self._registrations[0][1])

    def version(self, version: str) -> Policies:
        """The policies of a version. Raises `LookupError` for one that was never registered."""
        return self._ready(version)

    def _read(self, version: str) -> Policies:
        try:
            content = self._contents[version]
        except KeyError:
            raise LookupError(f"complaint policies of version {version} were never registered") from None
        return policies_of(content)
