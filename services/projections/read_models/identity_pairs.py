"""Which two identifiers were ever linked, and by which link may one tell that they still are?

Two rows a pair, one from either side, so that whoever knows one identifier finds the others in one place, however often
the two were linked. A row names one link of each sort, the first by its id: as long as that is not revoked, no other
need be looked at. What revokes a link is kept apart, because it may come first; so are all links of a pair, for where
the named one was revoked.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Index, MetaData, PrimaryKeyConstraint, SmallInteger, Table, Text

from services.projections.identity.named import links_of
from services.projections.identity.sharing import shared_at
from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row
from shared.envelope import RecordedEvent
from shared.events import ABOUT_CUSTOMERS
from shared.events.identity import IdentityUnlinked

TABLE = Table(
    "identity_pairs",
    MetaData(),
    Column("party_id", Text),
    Column("other_party_id", Text),
    Column("other_type", Text, nullable=False),
    Column("shared_at", SmallInteger, nullable=False),
    Column("stated_link", Text),
    Column("event_link", Text),
    PrimaryKeyConstraint("party_id", "other_party_id", name="identity_pairs_of"),
)
Index(
    "identity_pairs_weighing",
    TABLE.c.party_id,
    TABLE.c.other_party_id,
    postgresql_where=TABLE.c.shared_at > 0,
)
Index(
    "identity_pairs_stated",
    TABLE.c.party_id,
    TABLE.c.other_party_id,
    postgresql_where=TABLE.c.stated_link.is_not(None),
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """Both sides of each pair that the event links. `shared_at` is 0 where the other does not count for sharing."""
    return {
        (own.party_id, other.party_id): {
            "other_type": other.type,
            "shared_at": shared_at(own.type, other.type),
            "stated_link": link.link_id if link.explicit else None,
            "event_link": None if link.explicit else link.link_id,
        }
        for link in links_of(event)
        for own, other in ((link.one, link.other), (link.other, link.one))
    }


def combine(one: Row, other: Row) -> Row:
    """The first link of each sort; `one` itself where the other adds nothing to it."""
    both = {
        "other_type": min(one["other_type"], other["other_type"]),
        "shared_at": max(one["shared_at"], other["shared_at"]),
        "stated_link": _first(one["stated_link"], other["stated_link"]),
        "event_link": _first(one["event_link"], other["event_link"]),
    }
    return one if both == one else both


def _first(one: str | None, other: str | None) -> str | None:
    return min((each for each in (one, other) if each is not None), default=None)


IDENTITY_PAIRS = ReadModel(
    name="identity_pairs",
    version=1,
    kind=Mergeable(lift=lift, combine=combine, fed_by_others=True, grows=True),
    table=TABLE,
    consumes=ABOUT_CUSTOMERS - {IdentityUnlinked},
)
