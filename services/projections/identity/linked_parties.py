"""Which parties were found linked to others before? A hint at which statement to ask first, and no more."""

from typing import Final

_MOST_PARTIES: Final = 10_000


class LinkedParties:
    """Some of the parties that were linked to others when they were last looked at, at most 10,000 of them.

    For whoever has two statements that answer for every party, one of which is quicker for a party without links and
    the other for one that has some: what stands here decides how long an answer takes, never what it says.
    """

    def __init__(self, most_parties: int = _MOST_PARTIES) -> None:
        self._most_parties = most_parties
        self._parties: dict[str, None] = {}

    def __contains__(self, party_id: str) -> bool:
        return party_id in self._parties

    def add(self, party_id: str) -> None:
        """Remembers a party, and forgets the one that was added first where there are too many."""
        if party_id not in self._parties and len(self._parties) >= self._most_parties:
            del self._parties[next(iter(self._parties))]
        self._parties[party_id] = None
