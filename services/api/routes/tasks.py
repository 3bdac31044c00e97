"""GET /v1/tasks: what staff have to do, for whom, until when."""

from typing import Any, Final, NamedTuple, get_args

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.disclosure import PURPOSE_PARAMETER, PURPOSE_PROBLEMS, UNOPENED, Disclosures
from services.api.cursor import Cursors
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.opened_tasks import HOLDS, opened_tasks
from services.api.parameters import flag, given_id, one_of, query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.complaints import MOST_ID_CHARACTERS
from services.api.routes.loyalty_account import (
    CURSOR,
    DEFAULT_LIMIT,
    LIMIT,
    MOST_LIMIT,
    in_one_snapshot,
    present,
)
from services.api.task_documents import TaskPage
from services.projections.tasks.queries import VIEWS, Filters, Place, task_list
from services.projections.tasks.task import TaskStatus
from services.projections.view_positions import position_of
from shared.clock import Clock

ROUTE: Final = "/v1/tasks"

_STATUSES: Final[tuple[str, ...]] = get_args(TaskStatus)
_PARAMETERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "assignee": (
        "tasks of this person or department",
        {"type": "string", "minLength": 1, "maxLength": MOST_ID_CHARACTERS},
    ),
    "overdue": (
        "`true`: those that are open and past due; `false`: the others",
        {"type": "string", "enum": ["true", "false"]},
    ),
    "status": ("tasks of this status", {"type": "string", "enum": list(_STATUSES)}),
}


class _Wanted(NamedTuple):
    filters: Filters
    after: Place | None
    limit: int
    bound_to: tuple[str | None, ...]
    purpose: str | None


def task_routes(reads: Reads, disclosures: Disclosures, cursors: Cursors, clock: Clock) -> APIRouter:
    """The route of the list. `clock` says what is now, for what is overdue."""
    routes = APIRouter(tags=["tasks"])

    async def tasks(request: Request) -> Response:
        wanted = _wanted(request.scope["query_string"], cursors)
        disclosure = disclosures.of(request.scope, wanted.purpose, ROUTE, HOLDS)
        now = present(clock)

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS[:1])
            page = await task_list(connection, wanted.filters, now, after=wanted.after, limit=wanted.limit)
            following = sealed(page.next, wanted.bound_to, cursors)
            items = await opened_tasks(page, disclosure)
            answer = {"items": items, "next_cursor": following, "withheld": disclosure.withheld}
            return Snapshot(msgspec.json.encode(answer), position)

        answer = await reads.answer(request.scope, in_one_snapshot(query))
        await disclosure.record()
        return answer.response()

    routes.add_api_route(
        ROUTE,
        tasks,
        methods=["GET"],
        summary="Tasks",
        description="Soonest due first. Keyset pages: a list keeps the time of its first page, and a task that is "
        "rescheduled meanwhile has its place by the new due time.",
        operation_id="list_tasks",
        responses=read_responses(
            TaskPage,
            "one page",
            {
                **PURPOSE_PROBLEMS,
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_cursor", "invalid_position"],
                503: UNOPENED,
            },
        ),
        openapi_extra=read_parameters(
            *(query_parameter(name, text, schema) for name, (text, schema) in _PARAMETERS.items()),
            LIMIT,
            CURSOR,
            PURPOSE_PARAMETER,
        ),
    )
    routes.add_api_route(ROUTE, tasks, methods=["HEAD"], include_in_schema=False)
    return routes


def _wanted(query_string: bytes, cursors: Cursors) -> _Wanted:
    given = query_parameters(query_string, (*_PARAMETERS, "limit", "cursor", "purpose"))
    filters = Filters(
        status=one_of("status", given.get("status"), _STATUSES),
        assignee=given_id("assignee", given.get("assignee"), MOST_ID_CHARACTERS),
        overdue=flag("overdue", given.get("overdue")),
    )
    limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
    overdue = None if filters.overdue is None else str(filters.overdue)
    bound_to = (ROUTE, filters.status, filters.assignee, overdue)
    after = opened(given.get("cursor"), Place, bound_to, cursors)
    return _Wanted(filters, after, limit, bound_to, given.get("purpose"))
