"""Redemptions of an account: POST asks the ledger for one, GET reads what became of it."""

from typing import Final

from fastapi import APIRouter, Request, Response

from services.api.decision_documents import PendingRedemption, Redemption
from services.api.ledger_answers import ACCOUNTS
from services.api.ledger_bodies import RedemptionBody
from services.api.ledger_openapi import ACCOUNT_ID, POSITION, reference, write_request, write_responses
from services.api.ledger_writes import LedgerWrites
from services.api.openapi import read_parameters, read_responses
from services.api.reads import Reads
from services.api.routes.ledger_calls import ask, read
from services.projections.loyalty.outcome_views import redemption_view
from shared.identifiers import PartyIds

_ALL: Final = ACCOUNTS + "/{account_id}/redemptions"
_ONE: Final = _ALL + "/{redemption_id:path}"
_DESCRIPTION: Final = """
The request is appended to the log, and the ledger decides it in the order of the log: so points are never spent twice,
whoever asks where at the same time. The answer is that decision, 201 or 409, and never changes for this
`Idempotency-Key`. Where the ledger is not there in time it is 202, with an address to poll.
"""


def redemption_routes(reads: Reads, writes: LedgerWrites, party_ids: PartyIds) -> APIRouter:
    """The routes of redemptions."""
    routes = APIRouter(tags=["loyalty"])

    @routes.post(
        _ALL,
        status_code=201,
        summary="Redeem points",
        description=_DESCRIPTION,
        operation_id="redeem_points",
        responses=write_responses(
            Redemption, PendingRedemption, refused=["insufficient_points", "redemption_conflict"]
        ),
        openapi_extra=write_request(RedemptionBody, {"points": 120, "reward": "breakfast"}, ACCOUNT_ID),
    )
    async def redeem(request: Request) -> Response:
        return await ask(writes, request, "redemption", RedemptionBody, "redemption_id")

    async def redemption(request: Request) -> Response:
        return await read(reads, party_ids, request, "redemption", redemption_view)

    routes.add_api_route(
        _ONE,
        redemption,
        methods=["GET"],
        summary="A redemption as it is",
        operation_id="read_redemption",
        responses=read_responses(
            Redemption | PendingRedemption,
            "the redemption",
            {
                404: ["unknown_redemption", "not_found"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_position"],
            },
        ),
        openapi_extra=read_parameters(ACCOUNT_ID, reference("redemption_id", "its id"), POSITION),
    )
    routes.add_api_route(_ONE, redemption, methods=["HEAD"], include_in_schema=False)
    return routes
