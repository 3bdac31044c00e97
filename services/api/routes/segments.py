"""GET /v1/segments: which segments are defined, and how."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.purposes import CATEGORIES
from services.api.cursor import Cursors
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import CURSOR, DEFAULT_LIMIT, LIMIT, MOST_LIMIT, in_one_snapshot
from services.api.segment_documents import SegmentPage
from services.projections.moments import microseconds_of, text_of
from services.projections.segments.definitions import VIEWS, Definition, definition_page
from services.projections.view_positions import position_of
from shared.segment_rules.rule import categories_of

ROUTE: Final = "/v1/segments"


def segment_routes(reads: Reads, cursors: Cursors) -> APIRouter:
    """The route of segments."""
    routes = APIRouter(tags=["analytics"])

    async def segments(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("limit", "cursor"))
        limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
        after = opened(given.get("cursor"), tuple[str], (ROUTE,), cursors)

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            page = await definition_page(connection, None if after is None else after[0], limit)
            following = sealed(None if page.next is None else (page.next,), (ROUTE,), cursors)
            answer = {"items": [_shown(each) for each in page.items], "next_cursor": following}
            return Snapshot(msgspec.json.encode(answer), position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        ROUTE,
        segments,
        methods=["GET"],
        summary="Segments",
        description="Each in the version that is in force, in the order of their ids.",
        operation_id="list_segments",
        responses=read_responses(
            SegmentPage,
            "one page",
            {413: ["too_large"], 422: ["invalid_parameter", "invalid_cursor", "invalid_position"]},
        ),
        openapi_extra=read_parameters(LIMIT, CURSOR),
    )
    routes.add_api_route(ROUTE, segments, methods=["HEAD"], include_in_schema=False)
    return routes


def _shown(definition: Definition) -> dict[str, Any]:
    looked_at = categories_of(definition.rule)
    return {
        "segment_id": definition.segment_id,
        "version": definition.version,
        "defined_at": text_of(microseconds_of(definition.defined_at)),
        "rule": definition.given,
        "personal": [each for each in CATEGORIES if each in looked_at],
    }
