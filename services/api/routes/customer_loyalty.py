"""GET /v1/customers/{id}/loyalty: the loyalty accounts of a customer."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.cursor import Cursors, InvalidCursorError
from services.api.loyalty_documents import LoyaltyAccountPage
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters, whole_number
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import (
    CURSOR,
    DEFAULT_LIMIT,
    LIMIT,
    MOST_LIMIT,
    in_one_snapshot,
    present,
)
from services.api.whole_customers import CUSTOMER_ID, of_whole_customers, party_of, unknown_customer
from services.projections.identity.component import found
from services.projections.loyalty.account_source import LedgerReads
from services.projections.loyalty.queries import Asked, account_at, accounts_of
from shared.clock import Clock
from shared.http.problems import Problem

ROUTE: Final = "/v1/customers/{id}/loyalty"


def customer_loyalty_routes(reads: Reads, ledger: LedgerReads, cursors: Cursors, clock: Clock) -> APIRouter:
    """The route of a customer's accounts."""
    routes = APIRouter(tags=["customers"])

    async def customer_loyalty(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("limit", "cursor"))
        party_id = party_of(request.path_params["id"])
        limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
        bound_to = (ROUTE, party_id)
        after = _opened(given.get("cursor"), bound_to, cursors)
        now = present(clock)

        async def query(connection: Any) -> Snapshot:
            component, _, read_at = await found(connection, party_id)
            if component is None:
                return Snapshot(unknown_customer(), read_at)
            ids, more, reached = await accounts_of(connection, component.parties, after, limit)
            position = reached.common(read_at)
            items = [(await account_at(ledger, connection, Asked(each, now, None))).account for each in ids]
            following = cursors.seal(ids[-1].encode(), bound_to) if more else None
            return Snapshot(msgspec.json.encode({"items": items, "next_cursor": following}), position)

        return (await reads.answer(request.scope, of_whole_customers(in_one_snapshot(query)))).response()

    routes.add_api_route(
        ROUTE,
        customer_loyalty,
        methods=["GET"],
        summary="A customer's loyalty accounts",
        description="As they are now, by account id. A customer without one gets an empty list.",
        operation_id="read_customer_loyalty",
        responses=read_responses(
            LoyaltyAccountPage,
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
    routes.add_api_route(ROUTE, customer_loyalty, methods=["HEAD"], include_in_schema=False)
    return routes


def _opened(token: str | None, bound_to: tuple[str, str], cursors: Cursors) -> str | None:
    if token is None:
        return None
    try:
        return cursors.open(token, bound_to).decode()
    except InvalidCursorError as error:
        raise Problem(422, "invalid_cursor", str(error)) from error
