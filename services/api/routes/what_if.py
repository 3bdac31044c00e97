"""POST /v1/analytics/what-if: what keeping customers would come to."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.ledger_bodies import read_body
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters
from services.api.reads import Reads, Snapshot
from services.api.report_documents import WhatIf
from services.api.what_if_body import WhatIfBody, what_if_schema
from services.projections.view_positions import position_of

ROUTE: Final = "/v1/analytics/what-if"
_VIEWS: Final = ("purchases",)


def what_if_routes(reads: Reads) -> APIRouter:
    """The route. Nothing is looked up: an answer has the position that purchases stand at, as every answer has one."""
    routes = APIRouter(tags=["analytics"])

    @routes.post(
        ROUTE,
        summary="What keeping customers comes to",
        description="Answers any of three questions. `lost_customers`: lost x weekly spend x 52 x years. `growth`: "
        "each year the share `retention` stays and the share `gain` is added. `rivals`: two shops of equally many "
        "customers, of whom one loses some to the other. Every answer repeats its assumptions.",
        operation_id="ask_what_if",
        responses=read_responses(
            WhatIf,
            "the answers",
            {
                400: ["invalid_json"],
                413: ["too_large"],
                415: ["unsupported_media_type"],
                422: ["schema_violation", "invalid_parameter", "invalid_position"],
            },
            conditional=False,
        ),
        openapi_extra={
            **read_parameters(conditional=False),
            "requestBody": {"required": True, "content": {"application/json": {"schema": what_if_schema()}}},
        },
    )
    async def ask(request: Request) -> Response:
        query_parameters(request.scope["query_string"], ())
        content_type = request.headers.get("content-type", "application/json")
        answer = msgspec.json.encode(read_body(WhatIfBody, content_type, await request.body()).answered())

        async def query(connection: Any) -> Snapshot:
            return Snapshot(answer, await position_of(connection, _VIEWS))

        return (await reads.answer(request.scope, query)).response()

    return routes
