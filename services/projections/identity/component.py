"""Which customer is a party, and which parties are that customer?

A customer is a connected component of the links that hold (rules I2, I3, I5): nothing is stored about it, so links and
revocations may come in any order, and what was merged comes apart again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.projections.identity.pair_sql import reached
from services.projections.view_positions import common_position, names, read_position
from shared.identifiers import customer_id_of
from shared.position import Position

VIEWS: Final = (
    "identity_parties",
    "identity_links",
    "identity_pairs",
    "identity_revocations",
    "identity_crowds",
)
"""What a component is read from."""

MOST_PARTIES: Final = 1000


class Component(NamedTuple):
    """A customer: the id, which is that of the party first seen, and all parties, first seen first.

    Of parties first seen at the same time the one with the lesser id comes first. Every party is the key of the
    customer's part of any view that is kept by party.
    """

    customer_id: str
    parties: tuple[str, ...]


class Found(NamedTuple):
    """The customer of a party, None where no event named it; and the position that was read at.

    `shared` says that too many share the party itself: its customer then is what was explicitly linked to it, if
    anything, and the others are candidates.
    """

    component: Component | None
    shared: bool
    position: Position


class ComponentTooLargeError(Exception):
    """So many identifiers are linked to each other that no one person has them."""

    def __init__(self, party_id: str, position: Position) -> None:
        super().__init__(
            f"more than {MOST_PARTIES:,} identifiers are linked to {party_id}, so they are hardly one customer's; find "
            "the event that links strangers, and revoke its link with an identity.unlinked that names its id"
        )
        self.position = position


async def component_of(connection: Any, party_id: str) -> Component | None:
    """The customer that a party is, None where no event named the party.

    As `found`, of which it answers a part.
    """
    return (await found(connection, party_id)).component


async def found(connection: Any, party_id: str) -> Found:
    """The customer that a party is, and whether the party is shared.

    One statement on an asyncpg connection, so one snapshot. Cost grows with the number of parties, and with that of
    different parties each was linked to; not with the number of links, nor with what lies behind a shared identifier.
    Raises `ComponentTooLargeError` beyond 1,000 parties, and asyncpg's errors.
    """
    row = await connection.fetchrow(_COMPONENT, party_id, MOST_PARTIES + 1)
    position = read_position(row["position"])
    if row["reached"] > MOST_PARTIES:
        raise ComponentTooLargeError(party_id, position)
    parties = tuple(row["parties"] or ())
    component = Component(customer_id_of(parties[0]), parties) if party_id in parties else None
    return Found(component, row["shared"], position)


async def seen_between(connection: Any, parties: Sequence[str]) -> tuple[datetime, datetime]:
    """When the first of some parties, one at least named by an event, was first seen, and the last of them last.

    Raises asyncpg's errors.
    """
    row = await connection.fetchrow(_SEEN, list(parties))
    return row["first_seen"], row["last_seen"]


_SEEN = """
select min(first_seen) as first_seen, max(last_seen) as last_seen
from live.identity_parties where party_id = any($1::text[])
"""

_COMPONENT = f"""
{reached("$1::text", "$2")}
select
    (select count(*) from customer) as reached,
    (
        select array_agg(customer.party_id order by seen.first_seen, customer.party_id collate "C")
        from customer, lateral (
            select named.first_seen from live.identity_parties named
            where named.party_id = customer.party_id offset 0
        ) seen
    ) as parties,
    (select shared from customer where party_id = $1::text) as shared,
    ({common_position(names(*VIEWS))}) as position
"""  # noqa: S608 - names in the code
