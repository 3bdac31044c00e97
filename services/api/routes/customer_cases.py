"""GET /v1/customers/{id}/complaints and /tasks: what a customer complained of, and what is to be done for them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.disclosure import PURPOSE_PARAMETER, PURPOSE_PROBLEMS, UNOPENED, Disclosures
from services.api.access.purposes import Disclosed
from services.api.complaint_documents import ComplaintPage
from services.api.cursor import Cursors
from services.api.openapi import read_parameters, read_responses
from services.api.opened_tasks import HOLDS, opened_tasks
from services.api.parameters import query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.complaints import VIEWS
from services.api.routes.loyalty_account import (
    CURSOR,
    DEFAULT_LIMIT,
    LIMIT,
    MOST_LIMIT,
    in_one_snapshot,
    present,
)
from services.api.task_documents import TaskPage
from services.api.whole_customers import CUSTOMER_ID, of_whole_customers, party_of, unknown_customer
from services.projections.complaints import list_queries
from services.projections.complaints.policies_in_force import PoliciesInForce
from services.projections.identity.component import found
from services.projections.tasks import queries as task_queries
from services.projections.view_positions import position_of
from shared.clock import Clock

COMPLAINTS: Final = "/v1/customers/{id}/complaints"
TASKS: Final = "/v1/customers/{id}/tasks"


class _Wanted(NamedTuple):
    party_id: str
    limit: int
    cursor: str | None
    purpose: str | None


class _Listed(NamedTuple):
    items: list[dict[str, Any]]
    next_cursor: str | None
    withheld: list[Disclosed] | None = None

    def page(self) -> dict[str, Any]:
        """As it is sent; nothing is said of personal data where the list holds none."""
        page: dict[str, Any] = {"items": self.items, "next_cursor": self.next_cursor}
        return page if self.withheld is None else {**page, "withheld": self.withheld}


def customer_case_routes(
    reads: Reads, policies: PoliciesInForce, disclosures: Disclosures, cursors: Cursors, clock: Clock
) -> APIRouter:
    """The routes of a customer's complaints and tasks. `clock` says what is now."""
    routes = APIRouter(tags=["customers"])

    async def complaints(request: Request) -> Response:
        wanted, now = _wanted(request), present(clock)
        bound_to = (COMPLAINTS, wanted.party_id)
        after = opened(wanted.cursor, list_queries.Place, bound_to, cursors)

        async def listed(connection: Any, parties: Sequence[str]) -> _Listed:
            filters = list_queries.Filters(parties=parties)
            page = await list_queries.complaint_list(
                connection, policies, filters, now, after=after, limit=wanted.limit
            )
            return _Listed(page.items, sealed(page.next, bound_to, cursors))

        return await _answer(request, reads, wanted.party_id, VIEWS, listed)

    async def tasks(request: Request) -> Response:
        wanted, now = _wanted(request, "purpose"), present(clock)
        disclosure = disclosures.of(request.scope, wanted.purpose, TASKS, HOLDS)
        bound_to = (TASKS, wanted.party_id)
        after = opened(wanted.cursor, task_queries.Place, bound_to, cursors)

        async def listed(connection: Any, parties: Sequence[str]) -> _Listed:
            filters = task_queries.Filters(parties=parties)
            page = await task_queries.task_list(connection, filters, now, after=after, limit=wanted.limit)
            items = await opened_tasks(page, disclosure)
            return _Listed(items, sealed(page.next, bound_to, cursors), disclosure.withheld)

        answer = await _answer(request, reads, wanted.party_id, task_queries.VIEWS, listed)
        await disclosure.record()
        return answer

    for route, endpoint, summary, description, model, own, problems in (
        (COMPLAINTS, complaints, "A customer's complaints", "Newest first.", ComplaintPage, (), {}),
        (
            TASKS,
            tasks,
            "A customer's tasks",
            "Those of the customer's complaints too, soonest due first.",
            TaskPage,
            (PURPOSE_PARAMETER,),
            {**PURPOSE_PROBLEMS, 503: UNOPENED},
        ),
    ):
        routes.add_api_route(
            route,
            endpoint,
            methods=["GET"],
            summary=summary,
            description=f"{description} A customer without any gets an empty list.",
            operation_id=f"read_customer_{endpoint.__name__}",
            responses=read_responses(
                model,
                "one page",
                {
                    **problems,
                    404: ["unknown_customer"],
                    413: ["too_large"],
                    422: ["invalid_parameter", "invalid_cursor", "invalid_position", "customer_too_large"],
                },
            ),
            openapi_extra=read_parameters(
                CUSTOMER_ID,
                LIMIT,
                CURSOR,
                *own,
            ),
        )
        routes.add_api_route(route, endpoint, methods=["HEAD"], include_in_schema=False)
    return routes


def _wanted(request: Request, *own: str) -> _Wanted:
    given = query_parameters(request.scope["query_string"], ("limit", "cursor", *own))
    party_id = party_of(request.path_params["id"])
    limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
    return _Wanted(party_id, limit, given.get("cursor"), given.get("purpose"))


async def _answer(
    request: Request,
    reads: Reads,
    party_id: str,
    views: tuple[str, ...],
    listed: Callable[[Any, Sequence[str]], Awaitable[_Listed]],
) -> Response:
    async def query(connection: Any) -> Snapshot:
        component, _, read_at = await found(connection, party_id)
        if component is None:
            return Snapshot(unknown_customer(), read_at)
        position = (await position_of(connection, views)).common(read_at)
        page = await listed(connection, component.parties)
        return Snapshot(msgspec.json.encode(page.page()), position)

    return (await reads.answer(request.scope, of_whole_customers(in_one_snapshot(query)))).response()
