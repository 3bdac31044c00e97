"""GET /v1/analytics/runs: what each scoring run found of all customers together."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.cursor import Cursors
from services.api.openapi import path_parameter, read_parameters, read_responses
from services.api.parameters import query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import CURSOR, DEFAULT_LIMIT, LIMIT, MOST_LIMIT, in_one_snapshot
from services.api.run_documents import ScoringRun, ScoringRunPage
from services.projections.analytics.runs import VIEWS, Place, run_document, run_page
from services.projections.view_positions import position_of
from shared.http.problems import Problem

RUNS: Final = "/v1/analytics/runs"
RUN: Final = RUNS + "/{run_id}"


def analytics_run_routes(reads: Reads, cursors: Cursors) -> APIRouter:
    """The routes of scoring runs."""
    routes = APIRouter(tags=["analytics"])

    async def runs(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("limit", "cursor"))
        limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
        after = opened(given.get("cursor"), Place, (RUNS,), cursors)

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            page = await run_page(connection, after, limit)
            answer = {"items": page.items, "next_cursor": sealed(page.next, (RUNS,), cursors)}
            return Snapshot(msgspec.json.encode(answer), position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    async def run(request: Request) -> Response:
        query_parameters(request.scope["query_string"], ())
        run_id = request.path_params["run_id"]

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            found = None if "\0" in run_id else await run_document(connection, run_id)
            if found is None:
                return Snapshot(unknown_run(), position)
            return Snapshot(msgspec.json.encode(found), position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        RUNS,
        runs,
        methods=["GET"],
        summary="Scoring runs",
        description="The latest `as_of` first, each with its cuts, parameters and backtest.",
        operation_id="list_scoring_runs",
        responses=read_responses(
            ScoringRunPage,
            "one page",
            {413: ["too_large"], 422: ["invalid_parameter", "invalid_cursor", "invalid_position"]},
        ),
        openapi_extra=read_parameters(LIMIT, CURSOR),
    )
    routes.add_api_route(
        RUN,
        run,
        methods=["GET"],
        summary="A scoring run",
        operation_id="read_scoring_run",
        responses=read_responses(
            ScoringRun,
            "the run",
            {404: ["unknown_run"], 413: ["too_large"], 422: ["invalid_parameter", "invalid_position"]},
        ),
        openapi_extra=read_parameters(path_parameter("run_id", "the id of a run", {"type": "string"})),
    )
    for route, endpoint in ((RUNS, runs), (RUN, run)):
        routes.add_api_route(route, endpoint, methods=["HEAD"], include_in_schema=False)
    return routes


def unknown_run() -> Problem:
    """The problem of a run that nobody completed."""
    detail = "there is no scoring run of this id; GET /v1/analytics/runs lists those there are"
    return Problem(404, "unknown_run", detail)
