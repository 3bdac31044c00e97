"""Which identifiers may be shared by too many to link anybody?

An identifier is `crowded` once it was ever linked to as many different others as make it shared. Revocations may have
lifted that since, so readers judge by the links; but they need not search all identifiers for the few that matter.
A row holds only the first few others by their ids, so that a kiosk's row never grows.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Column, Index, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.projections.identity.named import links_of
from services.projections.identity.sharing import MOST_NEEDED, shared_at
from services.projections.read_models.declaration import Key, Mergeable, ReadModel, Row
from shared.envelope import RecordedEvent
from shared.events import ABOUT_CUSTOMERS
from shared.events.identity import IdentityUnlinked

TABLE = Table(
    "identity_crowds",
    MetaData(),
    Column("party_id", Text, primary_key=True),
    Column("shared_at", SmallInteger, nullable=False),
    Column("others", JSONB, nullable=False),
    Column("crowded", Boolean, nullable=False),
)
Index("identity_crowds_crowded", TABLE.c.party_id, postgresql_where=TABLE.c.crowded)


def lift(event: RecordedEvent[Any]) -> Mapping[Key, Row]:
    """A row for each identifier that the event links to one that counts."""
    rows: dict[Key, Row] = {}
    for link in links_of(event):
        for own, other in ((link.one, link.other), (link.other, link.one)):
            if least := shared_at(own.type, other.type):
                row, key = _row(least, [other.party_id]), (own.party_id,)
                rows[key] = combine(rows[key], row) if key in rows else row
    return rows


def combine(one: Row, other: Row) -> Row:
    """The first of both by id; `one` itself where the other adds nothing to it."""
    if one == other:
        return one
    both = _row(max(one["shared_at"], other["shared_at"]), [*one["others"], *other["others"]])
    return one if both == one else both


def _row(least: int, others: list[str]) -> Row:
    first = sorted(set(others))[:MOST_NEEDED]
    return {"shared_at": least, "others": first, "crowded": len(first) >= least}


IDENTITY_CROWDS = ReadModel(
    name="identity_crowds",
    version=1,
    kind=Mergeable(lift=lift, combine=combine, fed_by_others=True, grows=True),
    table=TABLE,
    consumes=ABOUT_CUSTOMERS - {IdentityUnlinked},
)
