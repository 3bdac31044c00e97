"""GET /v1/customers/{id}: who a customer is to us, in numbers."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.documents import Customer
from services.api.openapi import path_parameter, read_parameters, read_responses
from services.api.parameters import query_parameters
from services.api.reads import Reads, Snapshot
from services.projections.read_models import customer_summary
from shared.http.problems import Problem
from shared.identifiers import customer_id_of, party_id_of

ROUTE: Final = "/v1/customers/{id}"


def customer_routes(reads: Reads) -> APIRouter:
    """The route of one customer."""
    routes = APIRouter(tags=["customers"])

    async def customer(request: Request) -> Response:
        query_parameters(request.scope["query_string"], ())
        party_id = _party_of(request.path_params["id"])

        async def query(connection: Any) -> Snapshot:
            found, position = await customer_summary.summary(connection, [party_id])
            if found is None:
                return Snapshot(_unknown(), position)
            return Snapshot(_answer(party_id, found), position)

        return (await reads.answer(request.scope, query)).response()

    routes.add_api_route(
        ROUTE,
        customer,
        methods=["GET"],
        summary="A customer in numbers",
        description="Counts what is on the customer's timeline, events of their complaints and tasks included.",
        operation_id="read_customer",
        responses=read_responses(
            Customer,
            "the customer",
            {
                404: ["unknown_customer"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_position"],
            },
        ),
        openapi_extra=read_parameters(
            path_parameter(
                "id", "a customer or party id", {"type": "string", "pattern": "^(cus|pty)_[a-z2-7]{26}$"}
            )
        ),
    )
    routes.add_api_route(ROUTE, customer, methods=["HEAD"], include_in_schema=False)
    return routes


def _party_of(any_id: str) -> str:
    try:
        return party_id_of(any_id)
    except ValueError as error:
        raise Problem(404, "unknown_customer", str(error)) from error


def _unknown() -> Problem:
    detail = "no event names this customer yet; check the id, or look the customer up again"
    return Problem(404, "unknown_customer", detail)


def _answer(party_id: str, found: customer_summary.Summary) -> bytes:
    return msgspec.json.encode(
        {
            "customer_id": customer_id_of(party_id),
            "parties": [party_id],
            "first_seen": _moment(found.first_seen),
            "last_seen": _moment(found.last_seen),
            "events": found.events,
            "interactions": _sorted(found.channels),
            "categories": _sorted(found.categories),
            "spend": [{"amount": amount, "currency": name} for name, amount in sorted(found.spend.items())],
        }
    )


def _sorted(counts: Any) -> dict[str, int]:
    """By name, so that equal answers have equal bytes and equal entity tags."""
    return dict(sorted(counts.items()))


def _moment(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds, as the timeline writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
