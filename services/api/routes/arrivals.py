"""GET /v1/arrivals: who came to a place or called there of late, for those who are about to serve them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.arrival_documents import Arrivals
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import invalid_parameter, query_parameters, required, whole_number
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import in_one_snapshot, present
from services.projections.identity.component import VIEWS, Component
from services.projections.identity.components import components_of
from services.projections.moments import microseconds_of, text_of
from services.projections.read_models.arrivals import Arrival, arrivals_at
from services.projections.view_positions import position_of
from shared.clock import Clock

ROUTE: Final = "/v1/arrivals"
MOST_MINUTES: Final = 24 * 60
MOST_CUSTOMERS: Final = 50
_MOST_EVENTS: Final = 200
_MOST_CHARACTERS: Final = 256
_AHEAD: Final = timedelta(minutes=10)
"""By how much the clock of a door may be ahead of ours without hiding who came through it."""
_PARAMETERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "location": (
        "the unit of the organisation, as events name it; those below it count as well",
        {"type": "string", "minLength": 1, "maxLength": _MOST_CHARACTERS},
    ),
    "minutes": (
        "how far back, by the time of events",
        {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES, "default": 240},
    ),
}


def arrival_routes(reads: Reads, clock: Clock) -> APIRouter:
    """The route of arrivals. `clock` says what is now."""
    routes = APIRouter(tags=["customers"])

    async def arrivals(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], tuple(_PARAMETERS))
        location = _location(required("location", given.get("location")))
        minutes = whole_number("minutes", given.get("minutes"), 1, MOST_MINUTES, 240)
        now = present(clock)
        since = now - timedelta(minutes=minutes)

        async def query(connection: Any) -> Snapshot:
            found = await arrivals_at(connection, location, since, now + _AHEAD, _MOST_EVENTS)
            customers = await components_of(connection, [each.party for each in found])
            items = _customers(found, customers)
            document = {
                "location": location,
                "since": text_of(microseconds_of(since)),
                "as_of": text_of(microseconds_of(now)),
                "items": items[:MOST_CUSTOMERS],
                "more": len(found) == _MOST_EVENTS or len(items) > MOST_CUSTOMERS,
            }
            return Snapshot(
                msgspec.json.encode(document), await position_of(connection, ("arrivals", *VIEWS))
            )

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        ROUTE,
        arrivals,
        methods=["GET"],
        summary="Who came or called at a place",
        description="Visits and calls that customers began, at a unit or below it; each customer once, by the latest. "
        "Nothing personal: read each card for a purpose. `GET /v1/live?topics=location:PATH` hints at the next.",
        operation_id="list_arrivals",
        responses=read_responses(
            Arrivals, "the arrivals", {413: ["too_large"], 422: ["invalid_parameter", "invalid_position"]}
        ),
        openapi_extra=read_parameters(
            *(query_parameter(name, text, schema) for name, (text, schema) in _PARAMETERS.items())
        ),
    )
    routes.add_api_route(ROUTE, arrivals, methods=["HEAD"], include_in_schema=False)
    return routes


def _location(told: str) -> str:
    location = told.strip("/")
    if not location or len(location) > _MOST_CHARACTERS or "\0" in location:
        raise invalid_parameter(
            "location", "not a slash path of units, widest first, such as hq/guangdong/gz-03"
        )
    return location


def _customers(found: Sequence[Arrival], customers: Mapping[str, Component]) -> list[dict[str, Any]]:
    """Each customer by their latest arrival. Parties that are hardly one customer's are left out."""
    latest: dict[str, dict[str, Any]] = {}
    for each in found:
        customer = customers.get(each.party)
        if customer is None or customer.customer_id in latest:
            continue
        latest[customer.customer_id] = {
            "customer_id": customer.customer_id,
            "party_id": each.party,
            "kind": each.kind,
            "channel": each.channel,
            "time": text_of(microseconds_of(each.time)),
            "location": each.location,
            "staff": each.staff,
            "event_id": each.event_id,
        }
    return list(latest.values())
