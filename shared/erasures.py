"""Erasures as the log has them: their source, which is Rapport's own, and their ids."""

from typing import Final

ERASURES: Final = "/rapport/erasure"
"""The source of erasures that were carried out. A request that a channel system posts is but a request: it stands on
the timeline until somebody carries it out, so that no channel can empty views by itself."""


def erasure_id(request: str, party_id: str) -> str:
    """The id of the event that erases a party on a request, the same however often it is posted."""
    return f"erasure:{request}:{party_id}"
