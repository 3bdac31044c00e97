"""Lists of complaints, page by page: newest first, or those that are overdue or soon will be, soonest deadline first.

Each is to be asked in a repeatable-read transaction of the caller's, in which the position is read as well.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.projections.complaints.pause_queries import waiting_since
from services.projections.complaints.policies_in_force import PoliciesInForce
from services.projections.complaints.reading import listed_complaint
from services.projections.complaints.stored_cases import CASE_COLUMNS, case_row
from services.projections.moments import datetime_of, microseconds_of
from services.projections.read_models.declaration import Row
from shared.identifiers import customer_id_of


class Filters(NamedTuple):
    """Which complaints are wanted; None means all. `opened_from` is inclusive, `opened_to` exclusive.

    `assignee` is a person or a department. `parties` are those the complaints were opened for. `overdue` are those of
    which some clock is past due, or for False not, at the time that a list is of. `due_within` are those of which some
    clock is past due or will be so many minutes after that time.
    """

    status: str | None = None
    severity: str | None = None
    level: str | None = None
    assignee: str | None = None
    overdue: bool | None = None
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    parties: Sequence[str] | None = None
    due_within: int | None = None

    @property
    def by_deadline(self) -> bool:
        """Whether they are listed by their deadlines, soonest first."""
        return bool(self.overdue) or self.due_within is not None


class Place(NamedTuple):
    """Where a page ends: when its last complaint was opened or, of the overdue, was due; and the time the list is of.

    Times are microseconds. All pages of a list are of the time of its first, so that what falls due while somebody
    pages does not move what is overdue.
    """

    time: int
    complaint_id: str
    of: int


class ListPage(NamedTuple):
    """Complaints as lists show them, and where the next page starts, None after the last."""

    items: list[dict[str, Any]]
    next: Place | None


class ListQuery(NamedTuple):
    """SQL, and its arguments."""

    statement: str
    arguments: list[Any]


async def complaint_list(
    connection: Any,
    policies: PoliciesInForce,
    filters: Filters,
    now: datetime,
    *,
    after: Place | None = None,
    limit: int = 50,
) -> ListPage:
    """A page of complaints, with their clocks as of `now`.

    Cost grows with the page, and with the complaints that are passed over for filters without an index: all but
    `overdue`, `assignee`, `parties` and the times. Pages neither repeat nor skip what was there at the first while
    events arrive; one that comes later than it happened may still move a complaint among the overdue. Raises asyncpg's
    errors.
    """
    of = now if after is None else datetime_of(after.of)
    query = list_query(filters, of, after=after, limit=limit)
    found = await connection.fetch(query.statement, *query.arguments)
    rows = [case_row(each) for each in found[:limit]]
    items = await _shown(connection, policies, rows, now)
    if len(found) <= limit:
        return ListPage(items, None)
    last = rows[-1]
    time = last["next_due_at"] if filters.by_deadline else last["opened_at"]
    return ListPage(items, Place(microseconds_of(time), last["complaint_id"], microseconds_of(of)))


def list_query(filters: Filters, of: datetime, *, after: Place | None = None, limit: int = 50) -> ListQuery:
    """The query of a page and one complaint more, of a time."""
    arguments: list[Any] = [limit + 1]
    conditions = []
    for condition, value in _wanted(filters, of):
        arguments.append(value)
        conditions.append(condition.format(f"${len(arguments)}"))
    key, way, beyond = ("next_due_at", "asc", ">") if filters.by_deadline else ("opened_at", "desc", "<")
    conditions.append(f"{key} is not null")
    if after is not None:
        arguments += (datetime_of(after.time), after.complaint_id)
        place = f"${len(arguments) - 1}::timestamptz, ${len(arguments)}::text"
        conditions.append(f"({key}, complaint_id) {beyond} ({place})")
        if filters.by_deadline:
            arguments += (after.of, after.time)
            conditions.append(_NOT_SHOWN.format(f"${len(arguments) - 1}", f"${len(arguments)}"))
    branches = ["true"]
    if filters.assignee is not None:
        arguments.append(filters.assignee)
        branches = [each.format(f"${len(arguments)}") for each in _ASSIGNED]
    order = f"{key} {way}, complaint_id {way}"
    columns = ", ".join(CASE_COLUMNS)
    each_branch = [
        f"(select {columns} from live.complaints where {' and '.join([*conditions, branch])} "  # noqa: S608 - fixed texts
        f"order by {order} limit $1::bigint)"
        for branch in branches
    ]
    statement = f"select * from ({' union all '.join(each_branch)}) found order by {order} limit $1::bigint"  # noqa: S608 - fixed texts
    return ListQuery(statement, arguments)


_ASSIGNED = (
    "assignee_person = {0}::text",
    "assignee_department = {0}::text and assignee_person is distinct from {0}::text",
)
"""Each has an index of its own."""


def _wanted(filters: Filters, of: datetime) -> list[tuple[str, Any]]:
    within = None if filters.due_within is None else of + timedelta(minutes=filters.due_within)
    overdue = "next_due_at < {}::timestamptz" if filters.overdue else _NOT_OVERDUE
    conditions = (
        ("state = {}::text", filters.status),
        ("severity = {}::text", filters.severity),
        ("level = {}::text", filters.level),
        (overdue, None if filters.overdue is None else of),
        ("next_due_at < {}::timestamptz", within),
        ("opened_at >= {}::timestamptz", filters.opened_from),
        ("opened_at < {}::timestamptz", filters.opened_to),
        ("party_id = any({}::text[])", None if filters.parties is None else list(filters.parties)),
    )
    return [each for each in conditions if each[1] is not None]


_NOT_OVERDUE = "(next_due_at is null or next_due_at >= {}::timestamptz)"


_NOT_SHOWN = """not exists (
    select from jsonb_array_elements(clocks) clock
    where (clock ->> 'ended')::bigint > {}::bigint and (clock ->> 'due')::bigint <= {}::bigint
)"""
"""Not by a deadline that an earlier page had, of a clock that ended since: the next one may be overdue as well."""


async def _shown(
    connection: Any, policies: PoliciesInForce, rows: Sequence[Row], now: datetime
) -> list[dict[str, Any]]:
    since = await waiting_since(connection, rows)

    def shown() -> list[dict[str, Any]]:
        return [
            listed_complaint(
                row["complaint_id"],
                row,
                policies.history,
                now,
                customer_id=customer_id_of(row["party_id"]),
                waiting_since=since.get(row["complaint_id"]),
            )
            for row in rows
        ]

    try:
        return shown()
    except LookupError:  # opened under policies that came into force since they were last read
        await policies.refresh(connection)
        return shown()
