"""The rules of links in SQL, as texts to be put together: which pairs hold, and which identifiers are shared.

A pair is judged by the one link that its row names; only where that was revoked its other links are looked through. So
a party that was linked ten thousand times to the same few is as quickly judged as one that was linked once. Sharing is
counted only where a party was ever linked to enough others, and no further than to the number that decides. Where a
subquery stands in a comparison rather than behind `exists`, that keeps the planner from making it a join over whole
tables; the conditions stand in a `case` so that nothing is looked up in vain.
"""

from typing import Final

from services.projections.identity.sharing import MOST_NEEDED, SHARABLE

_SHARABLE: Final = ", ".join(f"'{each}'" for each in SHARABLE)


def revoked(link_id: str) -> str:
    """Whether the link of this id was revoked."""
    return f"(select gone.link_id from live.identity_revocations gone where gone.link_id = {link_id}) is not null"  # noqa: S608 - names in the code


def holds(pair: str, through_shared: str = "false") -> str:
    """Whether a link of the pair of this alias holds.

    One that somebody stated, where the condition `through_shared` says that one of the two is shared.
    """
    of_any = f"coalesce({pair}.event_link, {pair}.stated_link)"
    link_id = f"case when {through_shared} then {pair}.stated_link else {of_any} end"
    lesser = f'{pair}.party_id collate "C" < {pair}.other_party_id'
    return f"""({link_id} is not null and case when not {revoked(link_id)} then true else coalesce((
        select true from live.identity_links link
        where link.party_id = case when {lesser} then {pair}.party_id else {pair}.other_party_id end
            and link.other_party_id = case when {lesser} then {pair}.other_party_id else {pair}.party_id end
            and (link.explicit or not {through_shared}) and not {revoked("link.link_id")}
        limit 1
    ), false) end)"""  # noqa: S608 - names in the code


def shared(party: str) -> str:
    """Whether so many share the party that links of events through it do not count (rule I4)."""
    return f"""(
        select crowds.party_id from live.identity_crowds crowds
        where crowds.party_id = {party} and crowds.crowded
            and crowds.shared_at <= ({counted(party, str(MOST_NEEDED))})
    ) is not null"""  # noqa: S608 - names in the code


def crowded(party: str) -> str:
    """Whether a party was ever linked to enough others to be `shared`, if it is now or not: a look at one index."""
    return f"""(
        select crowds.party_id from live.identity_crowds crowds where crowds.party_id = {party} and crowds.crowded
    ) is not null"""  # noqa: S608 - names in the code


def counted(party: str, most: str) -> str:
    """A query: how many different others count for sharing the party, none of them counted beyond `most`."""
    return f"""
        select count(*) from (
            select from live.identity_pairs weighing
            where weighing.party_id = {party} and weighing.shared_at > 0 and {holds("weighing")}
            order by weighing.other_party_id limit {most}
        ) few
    """  # noqa: S608 - names in the code


def reached(party: str, most: str) -> str:
    """The CTEs `customer`, which holds the parties of the customer of a party, and `reached`; begins a statement.

    Both columns of `customer` are told of every party: its `party_id`, and whether it is `shared`. Holds no more
    parties than `most`.
    """
    return f"""
    with recursive reached(party_id, shared) as (
        select {party}, {shared(party)}
        union
        select near.party_id, near.shared
        from reached, lateral (
            {_near("not reached.shared", "other.shared", most)}
            union all
            {_near("reached.shared and pair.stated_link is not null", "true", most)}
        ) near
    ), customer as materialized (
        select party_id, shared from reached limit {most}
    )"""  # noqa: S608 - names in the code


def reached_plainly(party: str, most: str) -> str:
    """As `reached`, but for a customer whom no revoked link and no crowded identifier touches, as most are.

    In the place of `shared` is `tangled`: where it is true of any of the parties, the customer is another one, which
    only `reached` tells. It costs less, for of rules about what may be revoked or shared it has nothing to make ready,
    and nothing beyond what is tangled is looked at.
    """
    link_id = "coalesce(pair.event_link, pair.stated_link)"
    return f"""
    with recursive reached(party_id, tangled) as (
        select {party}, {crowded(party)}
        union
        select near.party_id, near.tangled
        from reached, lateral (
            select
                pair.other_party_id as party_id,
                {revoked(link_id)}
                or case when pair.other_type in ({_SHARABLE}) then {crowded("pair.other_party_id")} else false end
                    as tangled
            from live.identity_pairs pair
            where pair.party_id = reached.party_id and not reached.tangled and {link_id} is not null
            order by pair.other_party_id limit {most}
        ) near
    ), customer as materialized (
        select party_id, tangled from reached limit {most}
    )"""  # noqa: S608 - names in the code


def _near(where: str, through_shared: str, most: str) -> str:
    """In the order of an index and limited, so that those of a party with very many are read one by one, and no more.

    No more than `most` need be known of one party, as there are no more in a customer.
    """
    return f"""(
        select pair.other_party_id as party_id, other.shared
        from live.identity_pairs pair, lateral (
            select case when pair.other_type in ({_SHARABLE}) then {shared("pair.other_party_id")} else false end
                as shared
            offset 0
        ) other
        where pair.party_id = reached.party_id and {where} and {holds("pair", through_shared)}
        order by pair.other_party_id limit {most}
    )"""  # noqa: S608 - names in the code
