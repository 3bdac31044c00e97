"""The SQL that reads a page of a timeline: one text for each set of filters, so that each has a plan of its own."""

from collections.abc import Collection
from functools import cache

from services.projections.identity.component import VIEWS
from services.projections.identity.linked_parties import Links
from services.projections.identity.pair_sql import reached, reached_plainly
from services.projections.view_positions import common_position, live_position, names

OF_LOYALTY = b'"type":"loyalty.'
"""Stands in every item of a loyalty event, if not in those alone."""

_CONDITIONS = {
    "channel": "t.channel = {}",
    "type": "t.type = {}",
    "category": "t.category = {}",
    "since": "t.time >= {}",
    "until": "t.time < {}",
}
_IN_THE_INDEX = frozenset({"since", "until"})
_IS_OF_LOYALTY = "starts_with(type, 'loyalty.')"
_IS_TOLD = f"({_IS_OF_LOYALTY} or starts_with(type, 'purchase.'))"
"""Events that the ledger may have a sentence for."""


def plain_page_serves(parties: Collection[str], filters: tuple[str, ...]) -> bool:
    """Whether `plain_page` reads such a page: one party's, and filtered by what the index holds."""
    return len(parties) == 1 and _IN_THE_INDEX.issuperset(filters)


@cache
def plain_page(filters: tuple[str, ...], *, follows: bool, ascending: bool, alone: bool = False) -> str:
    """SQL for a page of one party that has no cases and nothing to ask the ledger, and says whether it has.

    The arguments are the party, the limit, the filters' values and the keyset. Reads the index twice, once for the
    items and once for the place of the last, which costs less than to keep the rows of a page for both. With `alone`
    it says whether the party was ever linked to another as well, and then reads no items; its position is null where
    the timeline or the links are left out of the live set.
    """
    return _PLAIN_PAGE.format(
        links=_LINKS if alone else "",
        linked="(select linked from links)" if alone else "false",
        conditions=_conditions(filters, follows=follows, ascending=ascending),
        unless=" and not (select linked from links)" if alone else "",
        order=_order(ascending=ascending),
        position=_POSITION_OF_LINKS_TOO if alone else _POSITION,
    )


@cache
def linked_page(filters: tuple[str, ...], *, follows: bool, ascending: bool, links: Links) -> str:
    """SQL for a page of the customer of a party, and the customer's parties, found in the same statement.

    Of a customer who has no cases and nothing to ask the ledger, and says whether they have. Unless their links are
    `tangled`, of one whom no revoked link and no crowded identifier touches; and says as `tangled` whether one does.
    Where their links are `few` it reads entries of every party for the page, without a look first at where that ends;
    and says as `few` whether these are twice a page at most. The arguments are as for `plain_page`, and in the last
    place how many parties are looked for at most. Its position is null where a view that it reads is left out of the
    live set.
    """
    conditions = _conditions(filters, follows=follows, ascending=ascending)
    last = 3 + len(filters) + (3 if follows else 0)
    order = _order(ascending=ascending)
    way, beyond, never = _ways(ascending=ascending)
    bound = _BOUND.format(of="customer", subject="party_id", conditions=conditions, order=order, way=way)
    find = reached if links == "tangled" else reached_plainly
    return _LINKED_PAGE.format(
        reached=find("$1::text", f"${last}::integer"),
        bound="" if links == "few" else f", {bound})",
        conditions=conditions,
        within="" if links == "few" else _WITHIN.format(beyond=beyond, never=never),
        order=order,
        tangled="false" if links == "tangled" else "bool_or(tangled)",
        few=_FEW if links == "few" else _FEW_WITHOUT_BOUND,
        position=_POSITION_OF_CUSTOMERS_TOO,
    )


@cache
def whole_page(
    filters: tuple[str, ...], *, follows: bool, ascending: bool, points: bool, several: bool = False
) -> str:
    """SQL for a page of parties, their cases and the tasks of those, with what the ledger says of loyalty events.

    With `points` it says what it made of purchases and refunds too. The arguments are as for `plain_page`, but for an
    array of parties in the first place. With `several` it first finds, from a few entries of each party, a time beyond
    which no entry of the page lies, so that it reads hardly more entries than the page has, however many parties share
    it.
    """
    conditions = _conditions(filters, follows=follows, ascending=ascending)
    order = _order(ascending=ascending)
    way, beyond, never = _ways(ascending=ascending)
    bound = _BOUND.format(of="subjects", subject="subject", conditions=conditions, order=order, way=way)
    return _WHOLE_PAGE.format(
        bound=f"), {bound}" if several else "",
        conditions=conditions,
        within=_WITHIN.format(beyond=beyond, never=never) if several else "",
        order=order,
        position=_POSITION,
        item=_ITEM_TOLD.format(_IS_TOLD if points else _IS_OF_LOYALTY),
    )


@cache
def with_personal(statement: str) -> str:
    """The statement of a page, whose entries are pairs then: the item, and the personal part of its data or null."""
    return statement.replace("t.item", _PAIR)


def _conditions(filters: tuple[str, ...], *, follows: bool, ascending: bool) -> str:
    conditions = [_CONDITIONS[name].format(f"${number}") for number, name in enumerate(filters, start=3)]
    if follows:
        first = 3 + len(filters)
        beyond = ">" if ascending else "<"
        conditions.append(
            f"(t.time, t.partition, t.log_offset) {beyond} "
            f"(${first}::timestamptz, ${first + 1}::integer, ${first + 2}::bigint)"
        )
    return "".join(f" and {condition}" for condition in conditions)


def _ways(*, ascending: bool) -> tuple[str, str, str]:
    """How times are sorted, which of them lie at or beyond a time, and the time beyond which all lie."""
    return ("asc", "<=", "infinity") if ascending else ("desc", ">=", "-infinity")


def _order(*, ascending: bool) -> str:
    way = "asc" if ascending else "desc"
    return f"time {way}, partition {way}, log_offset {way}"


_PAIR = """'[' || t.item || ',' || coalesce(t.personal, 'null') || ']' as item"""
"""What is searched for in an item is found in the pair too, for the item comes first."""

_ITEM_TOLD = """case when {} then coalesce((
    select case
        when starts_with(page.type, 'loyalty.') then left(page.item, strpos(page.item, '"summary":"') + 10)
        else left(page.item, strpos(page.item, '","staff":') - 1) || '. '
    end || substr(told.text, 2, length(told.text) - 2) || substr(page.item, strpos(page.item, '","staff":'))
    from (
        select to_json(string_agg(said.sentence, '; ' order by said.number))::text as text
        from live.loyalty_entries said
        where said.partition = page.partition and said.log_offset = page.log_offset and said.sentence is not null
    ) told
), item) else item end"""
"""The item with what the ledger of the same snapshot says of the event: in the place of the event's own sentence, or
behind that of a purchase or refund; as it is where the ledger says nothing, or has not come so far. Quotes inside of
values are escaped, so the members that are searched for are found nowhere else."""

_POSITION = f"({common_position(names('timeline'))}) as position"
_POSITION_OF_LINKS_TOO = f"({live_position(names('timeline', 'identity_pairs'))}) as position"
_POSITION_OF_CUSTOMERS_TOO = f"({live_position(names('timeline', *VIEWS))}) as position"

_LINKS = """with links as materialized (
    select exists (select from live.identity_pairs pair where pair.party_id = $1::text) as linked
)"""

_PLAIN_PAGE = """
{links}
select
    (
        select convert_to(coalesce('[' || string_agg(item, ',') || ']', '[]'), 'UTF8')
        from (
            select t.item from live.timeline t where t.subject = $1::text{conditions}{unless}
            order by {order} limit $2::integer
        ) page
    ) as items,
    last.more, last.time, last.partition, last.log_offset,
    exists (
        select from live.timeline t where t.subject = $1::text and t.case_subject is not null
    ) as has_cases,
    {linked} as linked,
    {position}
from (values (1)) one
left join (
    select time, partition, log_offset, count(*) over () > 1 as more
    from (
        select t.time, t.partition, t.log_offset from live.timeline t where t.subject = $1::text{conditions}{unless}
        order by {order} limit 2 offset $2::integer - 1
    ) last_and_next
    order by {order} limit 1
) last on true
"""

_WITHIN = " and t.time {beyond} coalesce((select time from bound), '{never}')"

_BOUND = """bound as materialized (
    select near.time from (select count(*) as subjects from {of}) counted, {of}, lateral (
        select t.time from live.timeline t
        where t.subject = {of}.{subject}{conditions}
        order by {order} limit $2::integer / counted.subjects + 2
    ) near
    order by near.time {way} limit 1 offset $2::integer
"""

_FEW = "counted.entries <= 2 * $2::integer"
_FEW_WITHOUT_BOUND = f"not exists (select from bound) and {_FEW}"

_LINKED_PAGE = """
{reached}{bound}, page as materialized (
    select entry.* from customer, lateral (
        select t.time, t.partition, t.log_offset, t.item from live.timeline t
        where t.subject = customer.party_id{conditions}{within}
        order by {order} limit $2::integer + 1
    ) entry
    order by {order}
)
select
    (
        select convert_to(coalesce('[' || string_agg(item, ',') || ']', '[]'), 'UTF8')
        from (select item from page order by {order} limit $2::integer) shown
    ) as items,
    counted.entries > $2::integer as more,
    last.time, last.partition, last.log_offset,
    whole.parties,
    whole.tangled,
    {few} as few,
    exists (
        select from live.timeline t where t.subject = any(whole.parties) and t.case_subject is not null
    ) as has_cases,
    {position}
from (select count(*) as entries from page) counted
cross join (select array_agg(party_id) as parties, {tangled} as tangled from customer) whole
left join (select * from page order by {order} limit 1 offset $2::integer - 1) last on true
"""

_WHOLE_PAGE = """
with cases as (
    select distinct t.case_subject from live.timeline t
    where t.subject = any($1::text[]) and t.case_subject is not null
), tasks as (
    select distinct tie.case_subject
    from cases, lateral (
        select t.case_subject from live.timeline t
        where t.subject = cases.case_subject and t.case_subject is not null
        offset 0
    ) tie
), subjects as (
    select unnest($1::text[]) as subject union select case_subject from cases union select case_subject from tasks
{bound}), page as materialized (
    select entry.* from subjects, lateral (
        select t.time, t.partition, t.log_offset, t.type, t.item from live.timeline t
        where t.subject = subjects.subject{conditions}{within}
        order by {order} limit $2::integer + 1
    ) entry
    order by {order} limit $2::integer + 1
)
select
    (
        select convert_to(coalesce('[' || string_agg(item, ',') || ']', '[]'), 'UTF8')
        from (select {item} as item from page order by {order} limit $2::integer) shown
    ) as items,
    (select count(*) from page) > $2::integer as more,
    last.time, last.partition, last.log_offset,
    {position}
from (values (1)) one
left join (select * from page order by {order} limit 1 offset $2::integer - 1) last on true
"""
