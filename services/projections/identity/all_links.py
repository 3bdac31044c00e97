"""Which links count, of all customers at once? For runs over everybody, where `component` answers for one party."""

from collections.abc import AsyncIterator
from typing import Any, Final

from services.projections.identity.pair_sql import holds, shared

PAIRS_A_BATCH: Final = 10_000


async def all_links(connection: Any) -> AsyncIterator[list[tuple[str, str]]]:
    """Every two parties that a counted link joins (rules I1, I2, I4), in batches of up to 10,000 pairs.

    Each pair comes once, in one direction, in no order; a party that no counted link joins to another comes in none.
    The customers are the connected components of the pairs and the parties of `identity_parties` that are in none. One
    statement on an asyncpg connection in a transaction of the caller's, so one snapshot; with `position_of` in the same
    repeatable-read transaction it is known which. Holds one batch in memory, and is no longer usable once the
    transaction ends. Cost grows with the links. Raises asyncpg's errors.
    """
    cursor = await connection.cursor(_COUNTED)
    while batch := await cursor.fetch(PAIRS_A_BATCH):
        yield [(one, other) for one, other in batch]


_COUNTED = f"""
with shared as materialized (
    select crowd.party_id from live.identity_crowds crowd where crowd.crowded and {shared("crowd.party_id")}
)
select pair.party_id, pair.other_party_id
from live.identity_pairs pair
left join shared one on one.party_id = pair.party_id
left join shared other on other.party_id = pair.other_party_id
where pair.party_id < pair.other_party_id
    and {holds("pair", "(one.party_id is not null or other.party_id is not null)")}
"""  # noqa: S608 - names in the code
"""Every pair has a row from either side, of which one is enough."""
