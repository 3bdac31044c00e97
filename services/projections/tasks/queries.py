"""Lists of tasks, page by page, soonest due first.

Each is to be asked in a repeatable-read transaction of the caller's, in which the position is read as well.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import json

from services.projections.moments import datetime_of, microseconds_of
from services.projections.personal_parts import PersonalPart, personal_part
from services.projections.tasks.reading import listed_task
from shared.events.task import TaskCreated
from shared.identifiers import customer_id_of

VIEWS = ("tasks", "complaints")
"""What a customer's tasks are read from; other lists are read from the first alone."""


class Filters(NamedTuple):
    """Which tasks are wanted; None means all.

    `assignee` is a person or a department. `parties` are customers named by the tasks, or by the complaints of tasks
    that name nobody; not to be given with an assignee. `overdue` are those that are open and past due, or for False the
    others, at the time that a list is of.
    """

    status: str | None = None
    assignee: str | None = None
    overdue: bool | None = None
    parties: Sequence[str] | None = None


class Place(NamedTuple):
    """Where a page ends: when its last task is due, and the time the list is of, in microseconds.

    All pages of a list are of the time of its first.
    """

    due: int
    task_id: str
    of: int


class TaskPage(NamedTuple):
    """Tasks as lists show them but for their titles, and where the next page starts, None after the last.

    `titles` has the part of each task's data that its title is, None where it has none, in the same order.
    """

    items: list[dict[str, Any]]
    titles: list[PersonalPart | None]
    next: Place | None


class TaskQuery(NamedTuple):
    """SQL, and its arguments."""

    statement: str
    arguments: list[Any]


async def task_list(
    connection: Any, filters: Filters, now: datetime, *, after: Place | None = None, limit: int = 50
) -> TaskPage:
    """A page of tasks, and their titles as the journal has them.

    Cost grows with the page, and with the tasks that are passed over for a status that is not open. A task that is
    rescheduled meanwhile has its place by the new due time. Raises asyncpg's errors.
    """
    of = now if after is None else datetime_of(after.of)
    query = task_query(filters, of, after=after, limit=limit)
    found = await connection.fetch(query.statement, *query.arguments)
    items = [_shown(each, now) for each in found[:limit]]
    titles = [_title(each) for each in found[:limit]]
    if len(found) <= limit:
        return TaskPage(items, titles, None)
    last = found[limit - 1]
    return TaskPage(
        items, titles, Place(microseconds_of(last["due_at"]), last["task_id"], microseconds_of(of))
    )


def task_query(filters: Filters, of: datetime, *, after: Place | None = None, limit: int = 50) -> TaskQuery:
    """The query of a page and one task more, of a time."""
    arguments: list[Any] = [limit + 1]

    def argument(value: Any) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    key = "open_due_at" if filters.overdue or filters.status == "open" else "due_at"
    conditions = [f"{key} is not null"]
    if filters.status is not None:
        conditions.append(f"status = {argument(filters.status)}::text")
    if filters.overdue is not None:
        condition = "open_due_at < {}::timestamptz" if filters.overdue else _NOT_OVERDUE
        conditions.append(condition.format(argument(of)))
    if after is not None:
        place = f"{argument(datetime_of(after.due))}::timestamptz, {argument(after.task_id)}::text"
        conditions.append(f"({key}, task_id) > ({place})")
    branches: Sequence[str] = ("true",)
    if filters.parties is not None:
        branches = [each.format(argument(list(filters.parties))) for each in _OF_CUSTOMER]
    elif filters.assignee is not None:
        assignee = argument(filters.assignee)
        branches = [each.format(assignee) for each in _ASSIGNED]
    each_branch = [
        f"(select {', '.join(_COLUMNS)} from live.tasks where {' and '.join([*conditions, branch])} "  # noqa: S608 - fixed texts
        f"order by {key}, task_id limit $1::bigint)"
        for branch in branches
    ]
    return TaskQuery(_PAGE.format(" union all ".join(each_branch)), arguments)


def _shown(found: Any, now: datetime) -> dict[str, Any]:
    party_id = found["party_id"]
    customer_id = None if party_id is None else customer_id_of(party_id)
    return {**listed_task(found["task_id"], found, now, customer_id=customer_id), "title": None}


def _title(found: Any) -> PersonalPart | None:
    if found["title"] is None:
        return None
    data = {"title": json.decode(found["title"])}
    return personal_part(data, TaskCreated, found["subject"], found["event_id"])


_COLUMNS = (
    "task_id", "status", "party_id", "complaint_id", "caused_by", "assignee_person", "assignee_department", "due_at",
    "open_due_at", "outcome", "channel", "location", "created_at", "created_partition", "created_offset", "ended_at",
)  # fmt: skip
_NOT_OVERDUE = "(open_due_at is null or open_due_at >= {}::timestamptz)"
_ASSIGNED = (
    "assignee_person = {0}::text",
    "assignee_department = {0}::text and assignee_person is distinct from {0}::text",
)
_OF_CUSTOMER = (
    "party_id = any({}::text[])",
    """party_id is null and complaint_id in (
        select complaint_id from live.complaints where party_id = any({}::text[]) and opened_at is not null
    )""",
)
_PAGE = """
select
    found.*, journal.data -> 'title' as title, journal.event_id,
    coalesce(journal.party_id, journal.stream_key) as subject
from (select * from ({}) each_branch order by due_at, task_id limit $1::bigint) found
left join control.journal on journal.partition = found.created_partition and journal.log_offset = found.created_offset
order by found.due_at, found.task_id
"""
