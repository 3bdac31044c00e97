"""Which links count, of all customers at once? For runs over everybody, where `component` answers for one party."""

from collections.abc import AsyncIterator
from typing import Any, Final

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


_COUNTED = """
with shared as materialized (
    select link.party_id
    from live.identity_crowds crowds
    join live.identity_links link using (party_id)
    left join live.identity_revocations gone using (link_id)
    where crowds.crowded and link.shared_at > 0 and gone.link_id is null
    group by link.party_id
    having count(distinct link.other_party_id) >= max(link.shared_at)
)
select distinct link.party_id, link.other_party_id
from live.identity_links link
left join live.identity_revocations gone using (link_id)
left join shared one on one.party_id = link.party_id
left join shared other on other.party_id = link.other_party_id
where link.party_id < link.other_party_id and gone.link_id is null
    and (link.explicit or (one.party_id is null and other.party_id is null))
"""
"""What `shared` of `link_sql` says of one identifier, said of all; then the links that hold, as `component` follows
them. Every link has a row from either side, of which one is enough."""
