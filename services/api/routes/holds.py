"""Holds of an account: points set aside, then captured or released."""

from functools import partial
from typing import Final

from fastapi import APIRouter, Request, Response

from services.api.decision_documents import Hold, PendingHold
from services.api.ledger_answers import ACCOUNTS
from services.api.ledger_bodies import CaptureBody, HoldBody, ReleaseBody
from services.api.ledger_openapi import ACCOUNT_ID, POSITION, reference, write_request, write_responses
from services.api.ledger_writes import LedgerWrites
from services.api.openapi import read_parameters, read_responses
from services.api.reads import Reads
from services.api.routes.ledger_calls import ask, read
from services.projections.loyalty.outcome_views import hold_view
from shared.clock import Clock
from shared.identifiers import PartyIds

_ALL: Final = ACCOUNTS + "/{account_id}/holds"
_ONE: Final = _ALL + "/{hold_id:path}"
_HOLD_ID: Final = reference("hold_id", "the hold's id")
_NOT_HELD: Final = ("hold_closed", "hold_expired")


def hold_routes(reads: Reads, writes: LedgerWrites, party_ids: PartyIds, clock: Clock) -> APIRouter:
    """The routes of holds. By `clock` an open hold reads as expired."""
    routes = APIRouter(tags=["loyalty"])

    @routes.post(
        _ALL,
        status_code=201,
        summary="Set points aside",
        description="Decided like a redemption. Points not captured by `expires_at` go back by themselves.",
        operation_id="place_hold",
        responses=write_responses(
            Hold, PendingHold, refused=["insufficient_points", "hold_expired", "hold_conflict"]
        ),
        openapi_extra=write_request(
            HoldBody, {"points": 120, "expires_at": "2027-01-31T12:00:00Z"}, ACCOUNT_ID
        ),
    )
    async def place(request: Request) -> Response:
        return await ask(writes, request, "hold", HoldBody, "hold_id")

    @routes.post(
        _ONE + "/capture",
        status_code=201,
        summary="Spend points of a hold",
        description="Spends as many of the held points as `points` says and gives the rest back.",
        operation_id="capture_hold",
        responses=write_responses(
            Hold, PendingHold, refused=[*_NOT_HELD, "hold_exceeded"], not_found=["unknown_hold"]
        ),
        openapi_extra=write_request(CaptureBody, {"points": 80, "reward": "dinner"}, ACCOUNT_ID, _HOLD_ID),
    )
    async def capture(request: Request) -> Response:
        return await ask(writes, request, "capture", CaptureBody)

    @routes.post(
        _ONE + "/release",
        status_code=201,
        summary="Give the points of a hold back",
        operation_id="release_hold",
        responses=write_responses(Hold, PendingHold, refused=_NOT_HELD, not_found=["unknown_hold"]),
        openapi_extra=write_request(ReleaseBody, {}, ACCOUNT_ID, _HOLD_ID),
    )
    async def release(request: Request) -> Response:
        return await ask(writes, request, "release", ReleaseBody)

    async def hold(request: Request) -> Response:
        return await read(reads, party_ids, request, "hold", partial(hold_view, now=clock()))

    routes.add_api_route(
        _ONE,
        hold,
        methods=["GET"],
        summary="A hold as it is",
        operation_id="read_hold",
        responses=read_responses(
            Hold | PendingHold,
            "the hold",
            {
                404: ["unknown_hold", "not_found"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_position"],
            },
        ),
        openapi_extra=read_parameters(ACCOUNT_ID, _HOLD_ID, POSITION),
    )
    routes.add_api_route(_ONE, hold, methods=["HEAD"], include_in_schema=False)
    return routes
