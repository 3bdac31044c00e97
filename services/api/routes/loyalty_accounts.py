"""GET /v1/loyalty/accounts: accounts by the end of their number, as people read it out from a card."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.loyalty_documents import EndingAccounts
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import invalid_parameter, query_parameters, required
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import MOST_ID_CHARACTERS, in_one_snapshot
from services.projections.identity.component import VIEWS
from services.projections.identity.components import components_of
from services.projections.loyalty.account_endings import LEAST_CHARACTERS, MOST_FOUND, accounts_ending
from services.projections.view_positions import position_of
from shared.events.member_number import normalised_member_number

ROUTE: Final = "/v1/loyalty/accounts"
_ENDING: Final = query_parameter(
    "ending",
    f"the last characters of a member number, {LEAST_CHARACTERS} at least, however they are spaced or dashed",
    {"type": "string", "minLength": LEAST_CHARACTERS, "maxLength": MOST_ID_CHARACTERS},
)


def loyalty_accounts_routes(reads: Reads) -> APIRouter:
    """The route of the search."""
    routes = APIRouter(tags=["loyalty"])

    async def ending_accounts(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("ending",))
        ending = _ending(required("ending", given.get("ending")))

        async def query(connection: Any) -> Snapshot:
            found = await accounts_ending(connection, ending)
            customers = await components_of(connection, [each.party for each in found])
            items = [
                {"account_id": each.account_id, "customer_id": customers[each.party].customer_id}
                for each in found[:MOST_FOUND]
                if each.party in customers
            ]
            document = {"items": items, "more": len(found) > MOST_FOUND}
            return Snapshot(msgspec.json.encode(document), await position_of(connection, ("loyalty", *VIEWS)))

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        ROUTE,
        ending_accounts,
        methods=["GET"],
        summary="Accounts by the end of their number",
        description="What people read out from a card. By account id; `more` asks for more characters.",
        operation_id="find_loyalty_accounts",
        responses=read_responses(
            EndingAccounts,
            "the accounts",
            {413: ["too_large"], 422: ["invalid_parameter", "invalid_position"]},
        ),
        openapi_extra=read_parameters(_ENDING),
    )
    routes.add_api_route(ROUTE, ending_accounts, methods=["HEAD"], include_in_schema=False)
    return routes


def _ending(told: str) -> str:
    ending = normalised_member_number(told)
    if not LEAST_CHARACTERS <= len(ending) <= MOST_ID_CHARACTERS or "\0" in ending:
        raise invalid_parameter(
            "ending", f"{LEAST_CHARACTERS} to {MOST_ID_CHARACTERS} characters of a member number"
        )
    return ending
