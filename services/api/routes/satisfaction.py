"""GET /v1/analytics/satisfaction: what customers answered when they were asked how it was."""

import asyncio
from datetime import timedelta
from typing import Any, Final, get_args

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import one_of, query_parameters
from services.api.reads import Reads, Snapshot
from services.api.report_documents import SatisfactionReport
from services.api.routes.report_window import (
    AS_OF,
    FROM,
    MOST_SECONDS,
    TO,
    end_of_second,
    in_long_snapshot,
    one_report,
    past_moment,
    window,
)
from services.projections.analytics.satisfaction_queries import (
    VIEWS,
    AnsweredIn,
    Grouping,
    satisfaction,
)
from services.projections.identity.component import VIEWS as IDENTITY
from services.projections.moments import microseconds_of, text_of
from services.projections.view_positions import position_of
from shared.clock import Clock

ROUTE: Final = "/v1/analytics/satisfaction"
_GROUPINGS: Final[dict[str, Grouping]] = {each: each for each in get_args(Grouping)}
_USUAL: Final = timedelta(days=365)


def satisfaction_routes(reads: Reads, clock: Clock) -> APIRouter:
    """The route of the report. `clock` says up to when, where a request does not."""
    routes = APIRouter(tags=["analytics"])
    one_at_a_time = asyncio.Lock()

    async def report(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("by", "from", "to", "as_of"))
        named = one_of("by", given.get("by"), _GROUPINGS)
        by = None if named is None else _GROUPINGS[named]
        as_of = past_moment("as_of", given, end_of_second(clock))
        since, until = window(given, _USUAL, as_of)

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, (*VIEWS, *IDENTITY))
            found = await satisfaction(connection, AnsweredIn(since, until, as_of), by)
            answer = {
                "from": text_of(microseconds_of(since)),
                "to": text_of(microseconds_of(until)),
                "as_of": text_of(microseconds_of(as_of)),
                "by": by,
                "items": [
                    {**({by: group} if by else {}), **figures.figures()} for group, figures in found.items
                ],
                "left_out": found.left_out,
            }
            return Snapshot(msgspec.json.encode(answer), position)

        async with one_report(one_at_a_time):
            return (await reads.answer(request.scope, in_long_snapshot(query), MOST_SECONDS)).response()

    routes.add_api_route(
        ROUTE,
        report,
        methods=["GET"],
        summary="A report on satisfaction",
        description="NPS by the latest answer of each customer in the time, CSAT and service quality by every answer. "
        "Groups of `by` add up: each customer's NPS is counted in one. Of the last 365 days where no time is named.",
        operation_id="report_satisfaction",
        responses=read_responses(
            SatisfactionReport,
            "the report",
            {413: ["too_large"], 422: ["invalid_parameter", "report_too_large", "invalid_position"]},
        ),
        openapi_extra=read_parameters(
            query_parameter("by", "what to group by", {"type": "string", "enum": list(_GROUPINGS)}),
            FROM,
            TO,
            AS_OF,
        ),
    )
    routes.add_api_route(ROUTE, report, methods=["HEAD"], include_in_schema=False)
    return routes
