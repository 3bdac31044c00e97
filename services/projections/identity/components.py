"""Which customers are some parties? For lists, where `component` answers for one party."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.projections.identity.component import MOST_PARTIES, Component
from services.projections.identity.link_sql import holds, others, revoked, shared
from shared.identifiers import customer_id_of

MOST_ASKED: Final = 500
"""How many parties one statement is asked for."""


async def components_of(connection: Any, party_ids: Sequence[str]) -> Mapping[str, Component]:
    """The customer of each party, by party, without those that no event named or that are one of too many.

    Too many are more than 1,000 linked to each other, who are hardly one customer. A statement for each 500 parties on
    an asyncpg connection; one snapshot in a repeatable-read transaction of the caller's. Cost grows as that of
    `component.found` for each party. Raises asyncpg's errors.
    """
    asked = list(dict.fromkeys(party_ids))
    found: dict[str, Component] = {}
    for start in range(0, len(asked), MOST_ASKED):
        rows = await connection.fetch(_COMPONENTS, asked[start : start + MOST_ASKED], MOST_PARTIES + 1)
        for row in rows:
            parties = tuple(row["parties"] or ())
            if row["root"] in parties and len(parties) <= MOST_PARTIES:
                found[row["root"]] = Component(customer_id_of(parties[0]), parties)
    return found


_COMPONENTS: Final = f"""
select root.party_id as root, customer.parties
from unnest($1::text[]) root (party_id), lateral (
    with recursive reached(party_id) as (
        select root.party_id
        union
        select linked.other_party_id
        from reached, lateral (
            select {shared("reached.party_id")} as shared offset 0
        ) own, lateral (
            select link.other_party_id from live.identity_links link
            where link.party_id = reached.party_id and link.explicit and not {revoked("link")}
            union all
            select near.other_party_id from ({others("reached.party_id", unless="own.shared")}) near
            where {holds("reached.party_id", "near.other_party_id", "not link.explicit")}
                and not {shared("near.other_party_id")}
        ) linked
    ), few as materialized (
        select party_id from reached limit $2
    )
    select array_agg(few.party_id order by seen.first_seen, few.party_id collate "C") as parties
    from few, lateral (
        select named.first_seen from live.identity_parties named where named.party_id = few.party_id offset 0
    ) seen
) customer
"""  # noqa: S608 - names in the code
