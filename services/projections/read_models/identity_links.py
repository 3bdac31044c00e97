"""Which links were made between which identifiers, and which of them did somebody state?

A row a link, the lesser of the two parties first. What revokes a link is kept apart, because it may come first.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Column, MetaData, PrimaryKeyConstraint, Table, Text

from services.projections.identity.named import links_of
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
    Column("explicit", Boolean, nullable=False),
    PrimaryKeyConstraint("party_id", "other_party_id", "link_id", name="identity_links_of"),
)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """Each link that the event makes."""
    return {
        (*sorted((link.one.party_id, link.other.party_id)), link.link_id): {"explicit": link.explicit}
        for link in links_of(event)
    }


def combine(one: Row, other: Row) -> Row:
    """Links of one id are one link, and explicit if somebody stated it."""
    return other if other["explicit"] and not one["explicit"] else one


IDENTITY_LINKS = ReadModel(
    name="identity_links",
    version=2,
    kind=Mergeable(lift=lift, combine=combine, fed_by_others=True, grows=True),
    table=TABLE,
    consumes=ABOUT_CUSTOMERS - {IdentityUnlinked},
)
