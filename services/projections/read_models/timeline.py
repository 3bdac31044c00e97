"""What happened with a customer, in the order of time, across every channel?

A row an event. A row's subject is the party of the strongest identifier the event names. Loyalty events belong to the
account's party. An event of a complaint or a task that names no customer belongs to the case, and the row that ties
the case to its customer (or a task to its complaint) carries it as `case_subject`; readers follow these ties.

What is searched or sorted by has a column. Beside these, a row has its whole item as JSON ready to be sent, the event's
data included: a join to the journal, fifty places apart, cost more than all the rest of a page. What is personal in the
data stands beside the item, as the log holds it, and is read only for a purpose.
What loyalty events did to an account a page takes from the ledger, because only the ledger knows it.
"""

from datetime import datetime
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
from services.projections.identity import component
from services.projections.identity.linked_parties import LinkedParties
from services.projections.personal_parts import parts_of
from services.projections.read_models.declaration import Entries, ErasedRows, ReadModel, Row, classes_of
from services.projections.read_models.timeline_summary import sentence_of
from services.projections.subjects import subjects_of
from services.projections.timeline_statements import (
    OF_LOYALTY,
    linked_page,
    plain_page,
    plain_page_serves,
    whole_page,
    with_personal,
)
from services.projections.view_positions import read_position
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
    Column("personal", Text),
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
    plain, personal = parts_of(event)
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
        data=plain,
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
        "personal": None if personal is None else _json.encode(personal).decode(),
    }


class Filters(NamedTuple):
    """Which entries are wanted; None means all. `since` is inclusive, `until` exclusive."""

    channel: str | None = None
    type: str | None = None
    category: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def given(self) -> tuple[tuple[str, ...], list[Any]]:
        """The names of the filters that are given, and their values."""
        named = [(name, value) for name, value in zip(self._fields, self, strict=True) if value is not None]
        return tuple(name for name, _ in named), [value for _, value in named]


class Keyset(NamedTuple):
    """The place of an entry in the order of every timeline."""

    time: datetime
    partition: int
    log_offset: int


class Page(NamedTuple):
    """A JSON array of timeline items in UTF-8, where the next page starts, and the position both were read at."""

    items: bytes
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
    personal: bool = False,
) -> Page:
    """The entries of some different parties, their cases and the tasks of those, newest first unless `ascending`.

    Loyalty events say what the ledger made of them; with `points` purchases and refunds do so as well, which makes a
    page of fifty of them cost nearly twice as much. With `personal` an entry is a pair: the item, and the personal part
    of its data, null where it has none.

    What is answered comes from one statement, so one snapshot. Pages that follow each other neither repeat nor skip an
    entry that was there when the first was read. Cost grows with the page and the number of subjects, and where
    `channel`, `type` or `category` filter, with the entries passed over. Raises asyncpg's errors.
    """
    names, given = filters.given()
    follows = after is not None
    arguments = (limit, *given, *(after or ()))
    found = None
    if not points and plain_page_serves(parties, names):
        # Most pages have neither cases to follow nor the ledger to ask, which took a third of every page's time.
        statement = plain_page(names, follows=follows, ascending=ascending)
        plain = await connection.fetchrow(
            with_personal(statement) if personal else statement, parties[0], *arguments
        )
        found = None if plain is None or plain["has_cases"] or OF_LOYALTY in plain["items"] else plain
    if found is None:
        whole = whole_page(
            names, follows=follows, ascending=ascending, points=points, several=len(parties) > 1
        )
        found = await connection.fetchrow(with_personal(whole) if personal else whole, parties, *arguments)
    return _page(found)


async def page_at_once(
    connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy | asyncpg.Pool,
    party: str,
    linked: LinkedParties,
    filters: Filters = ALL,
    after: Keyset | None = None,
    *,
    limit: int = 50,
    ascending: bool = False,
) -> Page | None:
    """The page, without `points`, of the customer that a party is; None where that is to be found by `component`.

    Costs a look at an index more than the `page` of the one party where it was never linked to another, and else the
    time to find the customer, twice that where revoked links or crowded identifiers touch the customer; `linked`
    remembers which to expect. Answers None for a customer of too many parties,
    where filters by `channel`, `type` or `category` make a page dear enough for finding the customer not to matter, and
    where a view it reads is left out of the live set. A page without entries is empty whether or not anybody knows the
    party. Raises asyncpg's errors.
    """
    names, given = filters.given()
    if not plain_page_serves([party], names):
        return None
    follows = after is not None
    arguments = (limit, *given, *(after or ()))
    before = links = linked.get(party)
    found, parties = None, [party]
    if links is None:
        statement = plain_page(names, follows=follows, ascending=ascending, alone=True)
        found = await connection.fetchrow(statement, party, *arguments)
        if found is not None and found["linked"]:
            links = "plain"
    if links in {"few", "plain"}:
        statement = linked_page(names, follows=follows, ascending=ascending, links=links)
        found = await connection.fetchrow(statement, party, *arguments, component.MOST_PARTIES + 1)
        if found is not None:
            links = "tangled" if found["tangled"] else "few" if found["few"] else "plain"
    if links == "tangled":
        statement = linked_page(names, follows=follows, ascending=ascending, links=links)
        found = await connection.fetchrow(statement, party, *arguments, component.MOST_PARTIES + 1)
    if links is not None and links != before:
        linked.add(party, links)
    if found is not None and links is not None:
        parties = found["parties"]
    if found is None or found["position"] is None or len(parties) > component.MOST_PARTIES:
        return None
    if found["has_cases"] or OF_LOYALTY in found["items"]:
        several = len(parties) > 1
        whole = whole_page(names, follows=follows, ascending=ascending, points=False, several=several)
        # These were the customer's parties at the earlier of the two positions.
        return _page(await connection.fetchrow(whole, parties, *arguments))._replace(
            position=read_position(found["position"])
        )
    return _page(found)


def _page(found: asyncpg.Record | None) -> Page:
    if found is None:  # an outer join to one row always answers one
        raise AssertionError("a timeline page answered no row")
    last = Keyset(found["time"], found["partition"], found["log_offset"]) if found["more"] else None
    return Page(found["items"], last, read_position(found["position"]))


async def known(
    connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy | asyncpg.Pool, party_id: str
) -> bool:
    """Whether any event has this party as its subject. Raises asyncpg's errors."""
    statement = "select exists (select from live.timeline where subject = $1)"
    return bool(await connection.fetchval(statement, party_id))


TIMELINE = ReadModel(
    name="timeline",
    version=3,
    kind=Entries(row=row),
    table=TABLE,
    consumes=classes_of(CONSUMED),
    erased=ErasedRows(party="subject", case="case_subject"),
)
