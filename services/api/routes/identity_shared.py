"""GET /v1/identity/shared: identifiers that too many share to link anybody, for staff to decide."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.cursor import Cursors
from services.api.documents import SharedIdentifierPage
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import CURSOR, DEFAULT_LIMIT, LIMIT, MOST_LIMIT, in_one_snapshot
from services.projections.identity.shared_identifiers import shared_identifiers

ROUTE: Final = "/v1/identity/shared"

_BOUND_TO: Final = (ROUTE,)


def identity_shared_routes(reads: Reads, cursors: Cursors) -> APIRouter:
    """The route of shared identifiers."""
    routes = APIRouter(tags=["customers"])

    async def shared(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("limit", "cursor"))
        limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
        after = opened(given.get("cursor"), tuple[str], _BOUND_TO, cursors)

        async def query(connection: Any) -> Snapshot:
            page = await shared_identifiers(connection, None if after is None else after[0], limit)
            following = sealed(None if page.next is None else (page.next,), _BOUND_TO, cursors)
            items = [each._asdict() for each in page.items]
            return Snapshot(msgspec.json.encode({"items": items, "next_cursor": following}), page.position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        ROUTE,
        shared,
        methods=["GET"],
        summary="Identifiers that too many share",
        description=(
            "An e-mail address or phone of several members or accounts, a device or cookie of more than three stronger "
            "identifiers. Events through them link nobody; what somebody states with `identity.linked` does. By party "
            "id; a page may hold fewer than `limit`, or none, and still be followed by others."
        ),
        operation_id="list_shared_identifiers",
        responses=read_responses(
            SharedIdentifierPage,
            "one page",
            {413: ["too_large"], 422: ["invalid_parameter", "invalid_cursor", "invalid_position"]},
        ),
        openapi_extra=read_parameters(LIMIT, CURSOR),
    )
    routes.add_api_route(ROUTE, shared, methods=["HEAD"], include_in_schema=False)
    return routes
