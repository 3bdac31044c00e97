"""POST /v1/customers/lookup: who an identifier stands for."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response

from services.api.documents import LookupAnswer, LookupRequest
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters
from services.api.reads import Reads, Snapshot
from services.projections.read_models import timeline
from shared.events.vocabulary import Identifier
from shared.http.problems import Problem
from shared.identifiers import BadIdentifierError, PartyIds, customer_id_of, normalise

_NOTHING: Final = b"[]"


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
                422: ["schema_violation", "bad_identifier", "invalid_parameter", "invalid_position"],
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
            found = await timeline.page(connection, [party_id], limit=1)
            if found.items == _NOTHING:
                return Snapshot(_unknown(), found.position)
            answer = {"customer_id": customer_id_of(party_id), "party_id": party_id, "candidates": []}
            return Snapshot(msgspec.json.encode(answer), found.position)

        return (await reads.answer(request.scope, query)).response()

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
