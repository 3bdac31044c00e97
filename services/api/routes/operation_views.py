"""GET /v1/operations/views and /v1/operations/views/{name}: where views stand, for those who keep them running."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.openapi import path_parameter, read_parameters, read_responses
from services.api.operations.room import OperationsRoom
from services.api.operations.view_documents import Overview, ViewDetail
from services.api.operations.views import detail, overview, seen
from services.api.parameters import query_parameters
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import in_one_snapshot
from services.projections.sight.verifications import verifications
from shared.http.problems import Problem

VIEWS: Final = "/v1/operations/views"
VIEW: Final = VIEWS + "/{name}"
_NAME: Final = path_parameter("name", "the view's name", {"type": "string", "minLength": 1, "maxLength": 100})
_DESCRIPTION: Final = """
Positions, generations and rebuilds are of one snapshot of PostgreSQL. Lags and the log's end come from looks at the log
that one of the API's processes takes every 5 s for all of them; what those did not find out is null, never 0.
"""


def operation_view_routes(reads: Reads, room: OperationsRoom) -> APIRouter:
    """The routes of views."""
    routes = APIRouter(tags=["operations"])

    async def views(request: Request) -> Response:
        query_parameters(request.scope["query_string"], ())

        async def query(connection: Any) -> Snapshot:
            found = await seen(connection, room.clock())
            return Snapshot(msgspec.json.encode(overview(found, room.samples)), found.position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    async def view(request: Request) -> Response:
        query_parameters(request.scope["query_string"], ())
        name = request.path_params["name"]

        async def query(connection: Any) -> Snapshot:
            found = await seen(connection, room.clock())
            if name not in found.names:
                return Snapshot(unknown_view(found.names), found.position)
            compared = await verifications(connection, name)
            answer = detail(found, name, room.samples, room.versions.get(name), compared)
            return Snapshot(msgspec.json.encode(answer), found.position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        VIEWS,
        views,
        methods=["GET"],
        summary="Where all views stand",
        description=_DESCRIPTION,
        operation_id="list_views",
        responses=read_responses(
            Overview, "all views", {413: ["too_large"], 422: ["invalid_parameter", "invalid_position"]}
        ),
        openapi_extra=read_parameters(),
    )
    routes.add_api_route(VIEWS, views, methods=["HEAD"], include_in_schema=False)
    routes.add_api_route(
        VIEW,
        view,
        methods=["GET"],
        summary="Where a view stands",
        description=_DESCRIPTION,
        operation_id="read_view",
        responses=read_responses(
            ViewDetail,
            "the view",
            {
                404: ["unknown_view", "not_found"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_position"],
            },
        ),
        openapi_extra=read_parameters(_NAME),
    )
    routes.add_api_route(VIEW, view, methods=["HEAD"], include_in_schema=False)
    return routes


def unknown_view(known: list[str]) -> Problem:
    """The problem 404 `unknown_view`, which names those that there are."""
    return Problem(404, "unknown_view", f"there is no such view; there are {', '.join(known) or 'none yet'}")
