"""Which customers are some parties? For lists, where `component` answers for one party."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.projections.identity.component import MOST_PARTIES, Component
from services.projections.identity.pair_sql import reached
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
select root.party_id as root, whole.parties
from unnest($1::text[]) root (party_id), lateral (
    {reached("root.party_id", "$2")}
    select array_agg(customer.party_id order by seen.first_seen, customer.party_id collate "C") as parties
    from customer, lateral (
        select named.first_seen from live.identity_parties named
        where named.party_id = customer.party_id offset 0
    ) seen
) whole
"""  # noqa: S608 - names in the code
