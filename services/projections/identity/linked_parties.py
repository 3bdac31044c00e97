"""Which parties were found linked to others before? A hint at which statement to ask first, and no more."""

from typing import Final, Literal

_MOST_PARTIES: Final = 10_000

Links = Literal["few", "plain", "tangled"]
"""How a party is linked to others: whether revoked links or crowded identifiers play a part in it.

`few` is plain, where the customer has hardly more entries than a page has.
"""


class LinkedParties:
    """Some of the parties that were linked to others when they were last looked at, at most 10,000 of them.

    For whoever has several statements that answer for every party, each of which is quicker for a party that is linked
    so or not at all: what stands here decides how long an answer takes, never what it says.
    """

    def __init__(self, most_parties: int = _MOST_PARTIES) -> None:
        self._most_parties = most_parties
        self._parties: dict[str, Links] = {}

    def get(self, party_id: str) -> Links | None:
        """How a party is linked, None where it is not known to be linked."""
        return self._parties.get(party_id)

    def add(self, party_id: str, links: Links) -> None:
        """Remembers a party, and forgets the one that was added first where there are too many."""
        if party_id not in self._parties and len(self._parties) >= self._most_parties:
            del self._parties[next(iter(self._parties))]
        self._parties[party_id] = links
