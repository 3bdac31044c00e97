"""Which identifiers were linked, by what, and which of these links say that one of the two is shared?

Two rows a link, one from each side, so that whoever knows one identifier finds the others, and a row says all that the
rules ask about its own side. What revokes a link is kept apart, because it may come first.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from services.projections.identity.named import links_of
from services.projections.identity.sharing import shared_at
from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row
from shared.envelope import RecordedEvent
from shared.events import ABOUT_CUSTOMERS
from shared.events.identity import IdentityUnlinked

TABLE = Table(
    "identity_links",
    MetaData(),
    Column("party_id", Text),
    Column("other_party_id", Text),
    Column("link_id", Text),
    Column("other_type", Text, nullable=False),
    Column("explicit", Boolean, nullable=False),
    Column("shared_at", SmallInteger, nullable=False),
    PrimaryKeyConstraint("party_id", "other_party_id", "link_id", name="identity_links_of"),
)
Index("identity_links_explicit", TABLE.c.party_id, postgresql_where=TABLE.c.explicit)
Index(
    "identity_links_weighing",
    TABLE.c.party_id,
    TABLE.c.other_party_id,
    postgresql_where=TABLE.c.shared_at > 0,
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """Both sides of each link that the event makes. `shared_at` is 0 where the other does not count for sharing."""
    return {
        (own.party_id, other.party_id, link.link_id): {
            "other_type": other.type,
            "explicit": link.explicit,
            "shared_at": shared_at(own.type, other.type),
        }
        for link in links_of(event)
        for own, other in ((link.one, link.other), (link.other, link.one))
    }


def combine(one: Row, other: Row) -> Row:
    """Links of one id are one link, and explicit if somebody stated it."""
    return {
        "other_type": min(one["other_type"], other["other_type"]),
        "explicit": one["explicit"] or other["explicit"],
        "shared_at": max(one["shared_at"], other["shared_at"]),
    }


IDENTITY_LINKS = ReadModel(
    name="identity_links",
    version=1,
    kind=Mergeable(lift=lift, combine=combine, fed_by_others=True),
    table=TABLE,
    consumes=ABOUT_CUSTOMERS - {IdentityUnlinked},
)
