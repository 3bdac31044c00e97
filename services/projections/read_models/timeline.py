"""What happened with a customer, in the order of time, across every channel?

A row an event. A row's subject is the party of the strongest identifier the event names. Loyalty events belong to the
account's party. An event of a complaint or a task that names no customer belongs to the case, and the row that ties
the case to its customer (or a task to its complaint) carries it as `case_subject`; readers follow these ties.

What is searched or sorted by has a column. Beside these, a row has its whole item as JSON ready to be sent, the event's
data included, as the log holds it: a join to the journal, fifty places apart, cost more than all the rest of a page.
What loyalty events did to an account a page takes from the ledger, because only the ledger knows it.
"""

from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

import asyncpg
from msgspec import Raw, Struct, json
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from services.projections.categories import category_of
from services.projections.read_models.declaration import Entries, ReadModel, Row, classes_of
from services.projections.read_models.timeline_summary import sentence_of
from services.projections.subjects import subjects_of
from shared.envelope import RecordedEvent
from shared.events import AnyEvent
from shared.position import Position

CONSUMED = AnyEvent

TABLE = Table(
    "timeline",
    MetaData(),
    Column("subject", Text, nullable=False),
    Column("case_subject", Text),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("category", Text),
    Column("item", Text, nullable=False),
    PrimaryKeyConstraint("subject", "time", "partition", "log_offset", name="timeline_page"),
)
Index(
    "timeline_cases",
    TABLE.c.subject,
    TABLE.c.case_subject,
    postgresql_where=TABLE.c.case_subject.is_not(None),
)


class _Item(Struct):
    """A timeline item, in the order it is shown in."""

    event_id: str
    source: str
    type: str
    time: datetime
    recorded_time: datetime
    channel: str
    direction: str | None
    category: str | None
    summary: str
    staff: str | None
    location: str | None
    party_id: str | None
    data: Raw


_json = json.Encoder()


def row(event: RecordedEvent[Any]) -> Row:
    """The event's row."""
    data: AnyEvent = event.data
    subject, case_subject = subjects_of(event)
    category = category_of(event)
    item = _Item(
        event_id=event.id,
        source=event.source,
        type=event.type,
        time=event.time,
        recorded_time=event.recorded_time,
        channel=event.channel,
        direction=data.direction,
        category=category,
        summary=sentence_of(event),
        staff=data.staff,
        location=data.location,
        party_id=event.party_id or (subject if subject.startswith("pty_") else None),
        data=event.record.data,
    )
    return {
        "subject": subject,
        "case_subject": case_subject,
        "time": event.time,
        "partition": event.partition,
        "log_offset": event.offset,
        "type": event.type,
        "channel": event.channel,
        "category": category,
        "item": _json.encode(item).decode(),
    }


class Filters(NamedTuple):
    """Which entries are wanted; None means all. `since` is inclusive, `until` exclusive."""

    channel: str | None = None
    type: str | None = None
    category: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Keyset(NamedTuple):
    """The place of an entry in the order of every timeline."""

    time: datetime
    partition: int
    log_offset: int


class Page(NamedTuple):
    """A JSON array of timeline items, where the next page starts, and the position both were read at."""

    items: str
    next: Keyset | None
    position: Position


ALL = Filters()


async def page(
    connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy | asyncpg.Pool,
    parties: list[str],
    filters: Filters = ALL,
    after: Keyset | None = None,
    limit: int = 50,
    *,
    ascending: bool = False,
    points: bool = False,
) -> Page:
    """The entries of some different parties, their cases and the tasks of those, newest first unless `ascending`.

    Loyalty events say what the ledger made of them; with `points` purchases and refunds do so as well, which makes a
    page of fifty of them cost nearly twice as much.

    What is answered comes from one statement, so one snapshot. Pages that follow each other neither repeat nor skip an
    entry that was there when the first was read. Cost grows with the page and the number of subjects, and where
    `channel`, `type` or `category` filter, with the entries passed over. Raises asyncpg's errors.
    """
    given = [value for value in filters if value is not None]
    names = tuple(name for name, value in zip(Filters._fields, filters, strict=True) if value is not None)
    arguments = (parties, limit, *given, *(after or ()))
    quick, whole = (
        _page_statement(names, follows=after is not None, ascending=ascending, told=told)
        for told in (None, _IS_TOLD if points else _IS_OF_LOYALTY)
    )
    found = None if points else await connection.fetchrow(quick, *arguments)
    if found is None or found["has_cases"] or _OF_LOYALTY in found["items"]:
        # Most pages have neither cases to follow nor the ledger to ask, which took a third of every page's time.
        found = await connection.fetchrow(whole, *arguments)
    if found is None:  # an outer join to one row always answers one
        raise AssertionError("a timeline page answered no row")
    last = Keyset(found["time"], found["partition"], found["log_offset"]) if found["more"] else None
    return Page(found["items"], last, _position(found["position"]))


@lru_cache(maxsize=64)
def _position(token: str) -> Position:
    """Many pages are read between two batches of the projection, and all of them at the same position."""
    return Position.parse(token)


async def known(
    connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy | asyncpg.Pool, party_id: str
) -> bool:
    """Whether any event has this party as its subject. Raises asyncpg's errors."""
    statement = "select exists (select from live.timeline where subject = $1)"
    return bool(await connection.fetchval(statement, party_id))


_CONDITIONS = {
    "channel": "t.channel = {}",
    "type": "t.type = {}",
    "category": "t.category = {}",
    "since": "t.time >= {}",
    "until": "t.time < {}",
}


@cache
def _page_statement(filters: tuple[str, ...], *, follows: bool, ascending: bool, told: str | None) -> str:
    """SQL for one set of filters: at most 384 texts, so that each is prepared once and has a plan of its own.

    `told` is the condition of items that the ledger is asked about. Without it the statement follows no cases either,
    and says whether there are any.
    """
    conditions = [_CONDITIONS[name].format(f"${number}") for number, name in enumerate(filters, start=3)]
    if follows:
        first = 3 + len(filters)
        beyond = ">" if ascending else "<"
        conditions.append(
            f"(t.time, t.partition, t.log_offset) {beyond} "
            f"(${first}::timestamptz, ${first + 1}::integer, ${first + 2}::bigint)"
        )
    way = "asc" if ascending else "desc"
    return _PAGE.format(
        conditions="".join(f" and {condition}" for condition in conditions),
        order=f"time {way}, partition {way}, log_offset {way}",
        subjects=_PARTIES if told is None else _PARTIES_AND_CASES,
        item="item" if told is None else _ITEM_TOLD.format(told),
        has_cases=_HAS_CASES if told is None else "false",
    )


_IS_OF_LOYALTY = "starts_with(type, 'loyalty.')"
_IS_TOLD = f"({_IS_OF_LOYALTY} or starts_with(type, 'purchase.'))"
"""Events that the ledger may have a sentence for."""
_OF_LOYALTY = '"type":"loyalty.'
"""Stands in every item of a loyalty event, if not in those alone."""
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

_PARTIES = "with subjects as (select unnest($1::text[]) as subject"
_PARTIES_AND_CASES = """with cases as (
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
    select unnest($1::text[]) as subject union select case_subject from cases union select case_subject from tasks"""
_HAS_CASES = (
    "exists (select from live.timeline t where t.subject = any($1::text[]) and t.case_subject is not null)"
)

_PAGE = """
{subjects}
), page as materialized (
    select entry.* from subjects, lateral (
        select t.time, t.partition, t.log_offset, t.type, t.item from live.timeline t
        where t.subject = subjects.subject{conditions}
        order by {order} limit $2::integer + 1
    ) entry
    order by {order} limit $2::integer + 1
)
select
    (select coalesce('[' || string_agg(item, ',') || ']', '[]') from (
        select {item} as item
        from page order by {order} limit $2::integer
    ) shown) as items,
    (select count(*) from page) > $2::integer as more,
    {has_cases} as has_cases,
    last.time, last.partition, last.log_offset,
    coalesce(
        (
            select string_agg(partition || ':' || position, ',' order by partition)
            from control.view_positions where view = 'timeline' and position > 0
        ),
        '0'
    ) as position
from (values (1)) one
left join (select * from page order by {order} limit 1 offset $2::integer - 1) last on true
"""

TIMELINE = ReadModel(
    name="timeline", version=2, kind=Entries(row=row), table=TABLE, consumes=classes_of(CONSUMED)
)
