"""POST /v1/customers/lookup: who an identifier stands for."""

from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response

from services.api.documents import LookupAnswer, LookupRequest
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import in_one_snapshot
from services.api.whole_customers import of_whole_customers
from services.projections.identity.component import VIEWS, found
from services.projections.identity.shared_identifiers import candidates
from services.projections.view_positions import position_of
from shared.events.vocabulary import Identifier
from shared.http.problems import Problem
from shared.identifiers import BadIdentifierError, PartyIds, normalise


def lookup_routes(reads: Reads, party_ids: PartyIds, phone_region: str) -> APIRouter:
    """The route of the lookup."""
    routes = APIRouter(tags=["customers"])
    body = LookupRequest.model_json_schema()

    @routes.post(
        "/v1/customers/lookup",
        summary="Who an identifier stands for",
        operation_id="look_up_customer",
        responses=read_responses(
            LookupAnswer,
            "the customer",
            {
                400: ["invalid_json"],
                404: ["unknown_customer"],
                413: ["too_large"],
                415: ["unsupported_media_type"],
                422: [
                    "schema_violation",
                    "bad_identifier",
                    "invalid_parameter",
                    "invalid_position",
                    "customer_too_large",
                ],
            },
            conditional=False,
        ),
        openapi_extra={
            **read_parameters(conditional=False),
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        },
    )
    async def look_up(request: Request) -> Response:
        query_parameters(request.scope["query_string"], ())
        party_id = await _party_of(request, party_ids, phone_region)

        async def query(connection: Any) -> Snapshot:
            component, shared, position = await found(connection, party_id)
            if component is None:
                return Snapshot(_unknown(), position)
            if shared:
                return await in_one_snapshot(several)(connection)
            answer = {"customer_id": component.customer_id, "party_id": party_id, "candidates": []}
            return Snapshot(msgspec.json.encode(answer), position)

        async def several(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            answer = {
                "customer_id": None,
                "party_id": party_id,
                "candidates": await candidates(connection, party_id),
            }
            return Snapshot(msgspec.json.encode(answer), position)

        return (await reads.answer(request.scope, of_whole_customers(query))).response()

    # Without this, "lookup" would be read as a customer id by GET /v1/customers/{id}.
    routes.add_api_route("/v1/customers/lookup", _post_only, methods=["GET", "HEAD"], include_in_schema=False)
    return routes


async def _post_only() -> None:
    raise HTTPException(405, headers={"Allow": "POST"})


async def _party_of(request: Request, party_ids: PartyIds, phone_region: str) -> str:
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Problem(415, "unsupported_media_type", 'send {"type": …, "value": …} as application/json')
    try:
        posted = msgspec.json.decode(await request.body(), type=Identifier)
    except msgspec.ValidationError as error:
        raise Problem(422, "schema_violation", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "invalid_json", f"the body is not JSON in UTF-8: {error}") from error
    try:
        normalised = normalise(posted, phone_region)
    except BadIdentifierError as error:
        raise _bad_identifier(error.detail) from error
    if normalised is None:
        raise _bad_identifier("a placeholder identifies nobody")
    return party_ids.of(normalised.type, normalised.value)


def _bad_identifier(reason: str) -> Problem:
    return Problem(422, "bad_identifier", f"value: {reason}", pointer="/value")


def _unknown() -> Problem:
    detail = (
        "no event names this identifier yet; check it, or ask again with the Rapport-Position of its event"
    )
    return Problem(404, "unknown_customer", detail)
