"""GET /v1/customers/{id}/consents: what a customer allows, for every purpose and channel they had a word on."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.consent_documents import ConsentPage
from services.api.cursor import Cursors
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import CURSOR, DEFAULT_LIMIT, LIMIT, MOST_LIMIT, in_one_snapshot
from services.api.whole_customers import CUSTOMER_ID, of_whole_customers, party_of, unknown_customer
from services.projections.identity.component import found
from services.projections.moments import microseconds_of, text_of
from services.projections.read_models.consents import Consent, consents_of, is_granted
from services.projections.view_positions import position_of

ROUTE: Final = "/v1/customers/{id}/consents"


class Place(NamedTuple):
    """Where a page ends: the purpose and the channel, empty for all, of its last word."""

    purpose: str
    channel: str


def consent_routes(reads: Reads, cursors: Cursors) -> APIRouter:
    """The route of a customer's consents."""
    routes = APIRouter(tags=["customers"])

    async def consents(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("limit", "cursor"))
        party_id = party_of(request.path_params["id"])
        limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
        bound_to = (ROUTE, party_id)
        after = opened(given.get("cursor"), Place, bound_to, cursors)

        async def query(connection: Any) -> Snapshot:
            component, _, read_at = await found(connection, party_id)
            if component is None:
                return Snapshot(unknown_customer(), read_at)
            position = (await position_of(connection, ("consents",))).common(read_at)
            words = await consents_of(connection, component.parties)
            rest = [each for each in words if after is None or _place(each) > after]
            items = [_shown(each, words) for each in rest[:limit]]
            following = _place(rest[limit - 1]) if len(rest) > limit else None
            page = {"items": items, "next_cursor": sealed(following, bound_to, cursors)}
            return Snapshot(msgspec.json.encode(page), position)

        return (await reads.answer(request.scope, of_whole_customers(in_one_snapshot(query)))).response()

    routes.add_api_route(
        ROUTE,
        consents,
        methods=["GET"],
        summary="A customer's consents",
        description="The last word on each purpose and channel. A customer without any gets an empty list.",
        operation_id="read_customer_consents",
        responses=read_responses(
            ConsentPage,
            "one page",
            {
                404: ["unknown_customer"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_cursor", "invalid_position", "customer_too_large"],
            },
        ),
        openapi_extra=read_parameters(
            CUSTOMER_ID,
            LIMIT,
            CURSOR,
        ),
    )
    routes.add_api_route(ROUTE, consents, methods=["HEAD"], include_in_schema=False)
    return routes


def _place(consent: Consent) -> Place:
    return Place(consent["purpose"], consent["channel"])


def _shown(consent: Consent, words: Sequence[Consent]) -> dict[str, Any]:
    return {
        **consent,
        "channel": consent["channel"] or None,
        "in_force": is_granted(words, consent["purpose"], consent["channel"]),
        "time": text_of(microseconds_of(consent["time"])),
    }
