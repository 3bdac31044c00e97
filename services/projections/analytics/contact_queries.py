"""The contacts of a time, for the report on the contact centre: counted in cells, and chained to matters."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from services.projections.analytics.contact_chains import SILENCE, Contact, Matter, matters
from services.projections.analytics.customers_of import Customers, customers_of
from services.projections.analytics.too_large import REPORT_SECONDS, ReportTooLargeError

VIEWS: Final = ("contact_cells", "contact_chain", "complaints")
"""What it is read from, beside the views of identity."""
MOST_CELLS: Final = 5_000
MOST_CONTACTS: Final = 200_000
_FURTHER: Final = timedelta(days=28)

Dimension = Literal["time", "category", "channel", "direction", "location"]


class Contacts(NamedTuple):
    """Which contacts: from `since` to before `until`, of what is named; `location` is a unit with all below it."""

    since: datetime
    until: datetime
    category: str | None = None
    channel: str | None = None
    direction: str | None = None
    location: str | None = None


class CellsRead(NamedTuple):
    """Cells as the answer tells them, and how many more there are than are shown."""

    items: list[dict[str, Any]]
    left_out: int


async def contact_cells(
    connection: Any, wanted: Contacts, by: Sequence[Dimension], depth: int | None
) -> CellsRead:
    """The contacts of a time added up by some dimensions, at most 5,000 cells: by time where that is one of them.

    A quarter of an hour counts where it begins in that time. `depth` is how many units of a location are told apart,
    from the widest. Cost grows with the cells of that time. Raises asyncpg's errors.
    """
    columns = {name: _COLUMNS[name] for name in by}
    groups = ", ".join(f"{column} as {name}" for name, column in columns.items())
    order = (
        [name for name in by if name == "time"] + ["contacts desc"] + [f"{name} nulls last" for name in by]
    )
    statement = _CELLS.format(
        groups=f"{groups}, " if groups else "",
        group_by=f"group by {', '.join(str(place + 1) for place in range(len(by)))}" if by else "",
        order=", ".join(order),
    )
    found = await connection.fetch(
        statement, *wanted, MOST_CELLS, *([depth] if "location" in by else []), timeout=REPORT_SECONDS
    )
    items = [
        {
            **{name: row[name] for name in by},
            "contacts": row["contacts"],
            "duration_seconds": row["duration_seconds"],
            "with_duration": row["with_duration"],
            "mean_duration_seconds": (
                round(row["duration_seconds"] / row["with_duration"], 6) if row["with_duration"] else None
            ),
        }
        for row in found
        if row["contacts"]
    ]
    return CellsRead(items, found[0]["cells"] - len(found) if found else 0)


async def matters_of(connection: Any, wanted: Contacts, now: datetime) -> list[Matter]:
    """The matters that began in a time, as they stand at `now`; those whose first contact is of what is wanted.

    Reads in the snapshot of the caller's transaction. Cost grows with the contacts of that time. Raises
    `ReportTooLargeError` beyond 200,000 of them, and asyncpg's errors.
    """
    edge = min(wanted.until + SILENCE, now)
    contacts = await _contacts(connection, _CHAINED, wanted.since - SILENCE, edge)
    complaints = await connection.fetch(_COMPLAINTS, wanted.since, edge + SILENCE, timeout=REPORT_SECONDS)
    customers = await customers_of(
        connection, {*(each.customer for each in contacts), *(row["party_id"] for row in complaints)}
    )
    between = (wanted.since, wanted.until)
    while True:
        named = [each._replace(customer=customers.of(each.customer)) for each in contacts]
        complained = [(customers.of(row["party_id"]), row["opened_at"]) for row in complaints]
        found = await asyncio.to_thread(matters, named, complained, between, now)
        open_ones = {
            each.first.customer
            for each in found
            if each.outcome != "not_settled" and each.last + SILENCE > edge
        }
        if edge >= now or not open_ones:
            return [each for each in found if _is_wanted(each, wanted)]
        after, edge = edge, min(edge + _FURTHER, now)
        contacts += await _of_customers(connection, open_ones, customers, after, edge)
        parties = [party for customer in open_ones for party in customers.parties(customer)]
        complaints += await connection.fetch(
            _COMPLAINTS_OF, after + SILENCE, edge + SILENCE, parties, timeout=REPORT_SECONDS
        )


async def _of_customers(
    connection: Any, open_ones: set[str], customers: Customers, after: datetime, edge: datetime
) -> list[Contact]:
    """What customers of matters that go on in one conversation did next."""
    parties = [party for customer in open_ones for party in customers.parties(customer)]
    return await _contacts(connection, _CHAINED_OF, after, edge, parties)


async def _contacts(connection: Any, statement: str, *given: Any) -> list[Contact]:
    found = await connection.fetch(statement, *given, MOST_CONTACTS + 1, timeout=REPORT_SECONDS)
    if len(found) > MOST_CONTACTS:
        raise ReportTooLargeError(
            f"more than {MOST_CONTACTS:,} contacts that customers made in that time; ask for a shorter one"
        )
    return [Contact(*row) for row in found]


def _is_wanted(matter: Matter, wanted: Contacts) -> bool:
    first = matter.first
    return (
        wanted.category in (None, first.category)
        and wanted.channel in (None, first.channel)
        and (
            wanted.location is None
            or first.location == wanted.location
            or (first.location or "").startswith(f"{wanted.location}/")
        )
    )


_COLUMNS: Final[dict[Dimension, str]] = {
    "time": "begins",
    "category": "category",
    "channel": "channel",
    "direction": "nullif(direction, '')",
    "location": "nullif(array_to_string((string_to_array(location, '/'))[1:coalesce($8::int, 1000)], '/'), '')",
}
_CELLS: Final = """
select {groups}coalesce(sum(contacts), 0)::bigint as contacts,
    coalesce(sum(duration_seconds), 0)::bigint as duration_seconds,
    coalesce(sum(with_duration), 0)::bigint as with_duration, count(*) over () as cells
from live.contact_cells
where begins >= $1::timestamptz and begins < $2::timestamptz
    and ($3::text is null or category = $3) and ($4::text is null or channel = $4)
    and ($5::text is null or direction = $5)
    and ($6::text is null or location = $6 or starts_with(location, $6 || '/'))
{group_by} order by {order} limit $7
"""
_CONTACT = (
    "select party, category, time, event_id, conversation_id, channel, location from live.contact_chain"
)
_CHAINED = f"{_CONTACT} where time >= $1::timestamptz and time <= $2::timestamptz limit $3"
_CHAINED_OF = f"""
{_CONTACT} where time > $1::timestamptz and time <= $2::timestamptz and party = any($3::text[]) limit $4
"""
_OPENED = (
    "select party_id, opened_at from live.complaints where opened_at is not null and party_id is not null"
)
_COMPLAINTS = f"{_OPENED} and opened_at >= $1::timestamptz and opened_at <= $2::timestamptz"
_COMPLAINTS_OF = f"""
{_OPENED} and opened_at > $1::timestamptz and opened_at <= $2::timestamptz and party_id = any($3::text[])
"""
