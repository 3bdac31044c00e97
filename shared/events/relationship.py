"""How a relationship with a customer ends, where somebody says so."""

from shared.events.data import EventData
from shared.events.vocabulary import ShortText


class RelationshipEnded(EventData, frozen=True, kw_only=True):
    """A customer or the organisation ended the relationship: a contract was cancelled, an account closed.

    A customer who buys again later has come back.
    """

    TYPE = "relationship.ended"

    reason: ShortText
