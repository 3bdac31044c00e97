"""Which identifiers do too many share to link anybody, and whose may one of them be (rule I4)?

Each is to be asked in a repeatable-read transaction of the caller's, so that all of an answer is of one snapshot.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

from services.projections.identity.component import VIEWS, component_of
from services.projections.identity.pair_sql import counted, holds
from services.projections.view_positions import position_of
from shared.position import Position

MOST_CANDIDATES: Final = 20
MOST_COUNTED: Final = 20


class SharedIdentifier(NamedTuple):
    """An identifier by its party id. `others` says how many count against it; 20 of them may be more."""

    party_id: str
    type: str
    others: int
    first_seen: datetime


class SharedPage(NamedTuple):
    """Shared identifiers by party id, and the party id that the next page follows, None after the last page."""

    items: list[SharedIdentifier]
    next: str | None
    position: Position


async def shared_identifiers(connection: Any, after: str | None, limit: int) -> SharedPage:
    """A page of the identifiers that are shared now.

    Looks at so many as the page may hold of those that ever were linked to enough others; where revocations have lifted
    it since, a page that others follow may hold fewer, or none. Cost grows with the page. Raises asyncpg's errors.
    """
    position = await position_of(connection, VIEWS)
    found = await connection.fetch(_SHARED, after or "", limit + 1)
    items = [
        SharedIdentifier(each["party_id"], each["type"], each["others"], each["first_seen"])
        for each in found[:limit]
        if each["others"] >= each["shared_at"]
    ]
    return SharedPage(items, found[limit - 1]["party_id"] if len(found) > limit else None, position)


async def candidates(connection: Any, party_id: str) -> list[str]:
    """The ids of up to 20 different customers that a shared identifier may stand for.

    Those of the first 20 others that count against it, in the order of their party ids. Raises
    `ComponentTooLargeError` and asyncpg's errors.
    """
    customers: dict[str, None] = {}
    for row in await connection.fetch(_OTHERS, party_id, MOST_CANDIDATES):
        component = await component_of(connection, row["other_party_id"])
        if component is not None:
            customers[component.customer_id] = None
    return list(customers)


_SHARED = f"""
with crowded as materialized (
    select party_id, shared_at from live.identity_crowds where crowded and party_id > $1 order by party_id limit $2
)
select crowded.party_id, named.type, named.first_seen, weighed.others, crowded.shared_at
from crowded, lateral (
    select named.type, named.first_seen from live.identity_parties named
    where named.party_id = crowded.party_id offset 0
) named, lateral (
    select ({counted("crowded.party_id", str(MOST_COUNTED))}) as others offset 0
) weighed
order by crowded.party_id
"""  # noqa: S608 - names in the code

_OTHERS = f"""
select pair.other_party_id
from live.identity_pairs pair
where pair.party_id = $1::text and pair.shared_at > 0 and {holds("pair")}
order by pair.other_party_id
limit $2
"""  # noqa: S608 - names in the code
