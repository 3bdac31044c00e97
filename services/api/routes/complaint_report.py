"""GET /v1/complaints/report: what becomes of complaints, by what went wrong, where, and how they were handled."""

from typing import Any, Final, get_args

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.complaint_documents import ComplaintReport
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import in_order, moment, one_of, query_parameters, required
from services.api.reads import Reads, Snapshot
from services.api.routes.complaints import VIEWS
from services.api.routes.loyalty_account import in_one_snapshot
from services.projections.complaints.report import Grouping
from services.projections.complaints.report_queries import complaint_report
from services.projections.moments import microseconds_of, text_of
from services.projections.view_positions import position_of

ROUTE: Final = "/v1/complaints/report"

_GROUPINGS: Final[dict[str, Grouping]] = {each: each for each in get_args(Grouping)}
_PARAMETERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "from": (
        "complaints opened at this time or later; RFC 3339 with an offset",
        {"type": "string", "format": "date-time"},
    ),
    "to": (
        "complaints opened before this time; RFC 3339 with an offset",
        {"type": "string", "format": "date-time"},
    ),
    "by": ("what to group by", {"type": "string", "enum": list(_GROUPINGS)}),
}


def complaint_report_routes(reads: Reads) -> APIRouter:
    """The route of the report, to be routed before that of a complaint."""
    routes = APIRouter(tags=["complaints"])

    async def report(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], _PARAMETERS)
        since, until = (
            required("from", moment("from", given.get("from"))),
            required("to", moment("to", given.get("to"))),
        )
        by = _GROUPINGS[required("by", one_of("by", given.get("by"), _GROUPINGS))]
        in_order(("from", since), ("to", until))

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            items, left_out = await complaint_report(connection, since, until, by)
            times = {"from": text_of(microseconds_of(since)), "to": text_of(microseconds_of(until))}
            answer = {**times, "by": by, "items": items, "left_out": left_out}
            return Snapshot(msgspec.json.encode(answer), position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    parameters = (query_parameter(name, text, schema) for name, (text, schema) in _PARAMETERS.items())
    routes.add_api_route(
        ROUTE,
        report,
        methods=["GET"],
        summary="A report on complaints",
        description="Counts the complaints opened in a time with what has become of them by now. Most customers are "
        "lost by the answer, not by the fault: look at `handling_fault` and `reopened` beside causes.",
        operation_id="report_complaints",
        responses=read_responses(
            ComplaintReport,
            "the report",
            {413: ["too_large"], 422: ["invalid_parameter", "invalid_position"]},
        ),
        openapi_extra=read_parameters(*({**each, "required": True} for each in parameters)),
    )
    routes.add_api_route(ROUTE, report, methods=["HEAD"], include_in_schema=False)
    return routes
