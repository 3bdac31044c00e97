"""GET /v1/customers/{id}: who a customer is to us, in numbers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.documents import Customer
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters
from services.api.reads import Reads, Snapshot
from services.api.whole_customers import CUSTOMER_ID, of_whole_customers, party_of, unknown_customer
from services.projections.identity.component import Component, found, seen_between
from services.projections.read_models import customer_summary

ROUTE: Final = "/v1/customers/{id}"


def customer_routes(reads: Reads) -> APIRouter:
    """The route of one customer."""
    routes = APIRouter(tags=["customers"])

    async def customer(request: Request) -> Response:
        query_parameters(request.scope["query_string"], ())
        party_id = party_of(request.path_params["id"])

        async def query(connection: Any) -> Snapshot:
            component, _, read_at = await found(connection, party_id)
            if component is None:
                return Snapshot(unknown_customer(), read_at)
            summary, position = await customer_summary.summary(connection, component.parties)
            if summary is None:
                summary = await _summary_of_named(connection, component.parties)
            return Snapshot(_answer(component, summary), position.common(read_at))

        return (await reads.answer(request.scope, of_whole_customers(query))).response()

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
                422: ["invalid_parameter", "invalid_position", "customer_too_large"],
            },
        ),
        openapi_extra=read_parameters(CUSTOMER_ID),
    )
    routes.add_api_route(ROUTE, customer, methods=["HEAD"], include_in_schema=False)
    return routes


async def _summary_of_named(connection: Any, parties: Sequence[str]) -> customer_summary.Summary:
    """Of parties that are nobody's strongest identifier, and linked to none that is: when they were named."""
    first_seen, last_seen = await seen_between(connection, parties)
    return customer_summary.Summary(0, first_seen, last_seen, {}, {}, {})


def _answer(component: Component, found: customer_summary.Summary) -> bytes:
    return msgspec.json.encode(
        {
            "customer_id": component.customer_id,
            "parties": component.parties,
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
