"""The rules of links in SQL, as texts to be put together: which links hold, and which identifiers are shared.

All of it goes by the index from one party, or one pair, to the next, and stops as soon as it knows: a party that was
linked ten thousand times to the same few is as quickly judged as one that was linked once. Where a subquery stands in
a comparison rather than behind `exists`, that keeps the planner from making it a join over whole tables.
"""


def revoked(link: str) -> str:
    """Whether the link of this alias was revoked."""
    return f"(select gone.link_id from live.identity_revocations gone where gone.link_id = {link}.link_id) is not null"  # noqa: S608 - names in the code


def holds(party: str, other: str, condition: str) -> str:
    """Whether an unrevoked link under this condition, on the alias `link`, joins these two parties."""
    return f"""coalesce((
        select true from live.identity_links link
        where link.party_id = {party} and link.other_party_id = {other} and {condition} and not {revoked("link")}
        limit 1
    ), false)"""  # noqa: S608 - names in the code


def counted(party: str, most: str) -> str:
    """A query: how many different others count for sharing the party, up to `most`, and how many make it shared.

    `most` may name `shared_at`, how many are needed. The row with the greatest `counted` is last; no row where nothing
    counts. Rule I4.
    """
    weighing = f"link.party_id = {party} and link.shared_at > 0"
    unrevoked = holds(party, "{}", "link.shared_at > 0")
    return f"""
    with recursive weighed(other_party_id, shared_at, counted) as (
        (
            select first.other_party_id, first.shared_at, {unrevoked.format("first.other_party_id")}::integer
            from (
                select link.other_party_id, link.shared_at from live.identity_links link
                where {weighing} order by link.other_party_id limit 1
            ) first
        )
        union all
        select next.other_party_id, next.shared_at,
            weighed.counted + {unrevoked.format("next.other_party_id")}::integer
        from weighed, lateral (
            select link.other_party_id, link.shared_at from live.identity_links link
            where {weighing} and link.other_party_id > weighed.other_party_id
            order by link.other_party_id limit 1
        ) next
        where weighed.counted < {most}
    )
    """  # noqa: S608 - names in the code


def shared(party: str) -> str:
    """Whether so many share the party that links of events through it do not count (rule I4).

    Its links are looked at only where it was ever linked to enough others, which few parties are.
    """
    return f"""case when (select crowds.crowded from live.identity_crowds crowds where crowds.party_id = {party})
    then coalesce((
        {counted(party, "weighed.shared_at")}
        select true from weighed where weighed.counted >= weighed.shared_at limit 1
    ), false) else false end"""  # noqa: S608 - names in the code


def others(party: str, *, unless: str) -> str:
    """A query for the different others the party was ever linked to, as `other_party_id`; none where `unless` holds."""
    return f"""
    with recursive near(other_party_id) as (
        (
            select link.other_party_id from live.identity_links link
            where link.party_id = {party} and not {unless} order by link.other_party_id limit 1
        )
        union all
        select (
            select link.other_party_id from live.identity_links link
            where link.party_id = {party} and link.other_party_id > near.other_party_id
            order by link.other_party_id limit 1
        ) from near where near.other_party_id is not null
    )
    select near.other_party_id from near where near.other_party_id is not null
    """  # noqa: S608 - names in the code
