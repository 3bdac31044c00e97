"""POST /v1/customers/lookup: who an identifier stands for."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.access.reader import reader_in
from services.api.documents import LookupAnswer, LookupRequest
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters
from services.api.reads import Answer, Reads, Snapshot
from services.api.routes.loyalty_account import in_one_snapshot
from services.api.whole_customers import of_whole_customers
from services.projections.identity.component import VIEWS, found
from services.projections.identity.shared_identifiers import candidates
from services.projections.view_positions import position_of
from shared.events.vocabulary import Identifier
from shared.http.problems import Problem
from shared.identifiers import BadIdentifierError, PartyIds, normalise

ROUTE: Final = "/v1/customers/lookup"
_JSON: Final = b"application/json"
_decode: Final = msgspec.json.Decoder(Identifier).decode


class Lookup:
    """Tells who an identifier stands for. `phone_region` is that of numbers without a country code."""

    def __init__(self, reads: Reads, party_ids: PartyIds, phone_region: str) -> None:
        self._reads = reads
        self._party_ids = party_ids
        self._phone_region = phone_region

    async def answer(self, scope: Scope, body: bytes) -> Answer:
        """The answer to the request of `scope`. Raises problems."""
        query_parameters(scope["query_string"], ())
        normalised = _normalised(scope, body, self._phone_region)
        party_id = self._party_ids.of(normalised.type, normalised.value)
        return await self._reads.answer(
            scope, of_whole_customers(lambda connection: _read(connection, party_id))
        )


class LookupFirst:
    """Serves the lookup without a framework, which would double its cost, and the rest by `others`.

    The body has come in one message: whoever calls this has waited for it.
    """

    def __init__(self, lookup: Lookup, others: ASGIApp) -> None:
        self._lookup = lookup
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request. Raises problems."""
        if scope["type"] != "http" or scope["path"] != ROUTE or scope["method"] != "POST":
            await self._others(scope, receive, send)
            return
        scope["rapport.route"] = ROUTE
        reader_in(scope).check_call("POST", ROUTE)
        answer = await self._lookup.answer(scope, (await receive())["body"])
        await answer.send(send)


def lookup_routes(lookup: Lookup) -> APIRouter:
    """The route of the lookup in the framework, which describes it in the OpenAPI document."""
    routes = APIRouter(tags=["customers"])
    body = LookupRequest.model_json_schema()

    @routes.post(
        ROUTE,
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
        return (await lookup.answer(request.scope, await request.body())).response()

    # Without this, "lookup" would be read as a customer id by GET /v1/customers/{id}.
    routes.add_api_route(ROUTE, _post_only, methods=["GET", "HEAD"], include_in_schema=False)
    return routes


async def _post_only() -> None:
    raise HTTPException(405, headers={"Allow": "POST"})


async def _read(connection: Any, party_id: str) -> Snapshot:
    component, shared, position = await found(connection, party_id)
    if component is None:
        return Snapshot(_unknown(), position)
    if shared:
        return await in_one_snapshot(lambda same: _read_candidates(same, party_id))(connection)
    answer = {"customer_id": component.customer_id, "party_id": party_id, "candidates": []}
    return Snapshot(msgspec.json.encode(answer), position)


async def _read_candidates(connection: Any, party_id: str) -> Snapshot:
    position = await position_of(connection, VIEWS)
    answer = {
        "customer_id": None,
        "party_id": party_id,
        "candidates": await candidates(connection, party_id),
    }
    return Snapshot(msgspec.json.encode(answer), position)


def _normalised(scope: Scope, body: bytes, phone_region: str) -> Identifier:
    given = next((value for name, value in scope["headers"] if name == b"content-type"), _JSON)
    media_type = given.partition(b";")[0].strip().lower()
    if media_type != _JSON and not media_type.endswith(b"+json"):
        raise Problem(415, "unsupported_media_type", 'send {"type": …, "value": …} as application/json')
    try:
        posted = _decode(body)
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
    return normalised


def _bad_identifier(reason: str) -> Problem:
    return Problem(422, "bad_identifier", f"value: {reason}", pointer="/value")


def _unknown() -> Problem:
    detail = (
        "no event names this identifier yet; check it, or ask again with the Rapport-Position of its event"
    )
    return Problem(404, "unknown_customer", detail)
