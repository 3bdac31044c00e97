"""GET /v1/analytics/contact-centre: how many contacts there were, and how many matters the first of them settled."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, get_args

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import (
    given_id,
    in_order,
    invalid_parameter,
    moment,
    one_of,
    query_parameters,
    required,
    whole_number,
)
from services.api.reads import Reads, Snapshot
from services.api.report_documents import ContactCentreReport
from services.api.routes.report_window import (
    FROM,
    MOST_SECONDS,
    TO,
    end_of_second,
    in_long_snapshot,
    one_report,
)
from services.projections.analytics.contact_chains import Matter, first_contacts
from services.projections.analytics.contact_queries import (
    MOST_CELLS,
    VIEWS,
    Contacts,
    Dimension,
    contact_cells,
    matters_of,
)
from services.projections.identity.component import VIEWS as IDENTITY
from services.projections.moments import microseconds_of, text_of
from services.projections.view_positions import position_of
from shared.clock import Clock
from shared.events.interaction import InteractionCategory
from shared.events.vocabulary import Channel

ROUTE: Final = "/v1/analytics/contact-centre"
_DIMENSIONS: Final[dict[str, Dimension]] = {each: each for each in get_args(Dimension)}
_OF_MATTERS: Final = ("category", "channel", "location")
_CATEGORIES: Final = get_args(InteractionCategory)
_CHANNELS: Final = get_args(Channel)
_DIRECTIONS: Final = ("inbound", "outbound")
_MOST_LOCATION: Final = 256
_MOST_DEPTH: Final = 20
_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "by": query_parameter(
        "by",
        "what to add up by, one or more with commas between; `time` are quarters of an hour",
        {"type": "string"},
    ),
    "category": query_parameter("category", "only these", {"type": "string", "enum": list(_CATEGORIES)}),
    "channel": query_parameter("channel", "only these", {"type": "string", "enum": list(_CHANNELS)}),
    "direction": query_parameter("direction", "only these", {"type": "string", "enum": list(_DIRECTIONS)}),
    "location": query_parameter(
        "location",
        "only those of this unit and the units below it",
        {"type": "string", "minLength": 1, "maxLength": _MOST_LOCATION},
    ),
    "depth": query_parameter(
        "depth",
        "how many units of a location are told apart, from the widest; all where absent",
        {"type": "integer", "minimum": 1, "maximum": _MOST_DEPTH},
    ),
}


def contact_centre_routes(reads: Reads, clock: Clock) -> APIRouter:
    """The route of the report. `clock` says which matters are still pending."""
    routes = APIRouter(tags=["analytics"])
    one_at_a_time = asyncio.Lock()

    async def report(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("from", "to", *_PARAMETERS))
        since, until = (required(name, moment(name, given.get(name))) for name in ("from", "to"))
        in_order(("from", since), ("to", until))
        by = _dimensions(given.get("by"))
        depth = whole_number("depth", given.get("depth"), 1, _MOST_DEPTH, 0) or None
        wanted = Contacts(
            since,
            until,
            one_of("category", given.get("category"), _CATEGORIES),
            one_of("channel", given.get("channel"), _CHANNELS),
            one_of("direction", given.get("direction"), _DIRECTIONS),
            given_id("location", given.get("location"), _MOST_LOCATION),
        )
        now = end_of_second(clock)

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, (*VIEWS, *IDENTITY))
            cells = await contact_cells(connection, wanted, by, depth)
            found = await matters_of(connection, wanted, now)
            answer = {
                "from": text_of(microseconds_of(since)),
                "to": text_of(microseconds_of(until)),
                "by": by,
                "items": [_shown(each) for each in cells.items],
                "left_out": cells.left_out,
                "first_contact": first_contacts(found).figures(),
                "first_contact_by": _grouped(found, [name for name in by if name in _OF_MATTERS], depth),
            }
            return Snapshot(msgspec.json.encode(answer), position)

        async with one_report(one_at_a_time):
            return (await reads.answer(request.scope, in_long_snapshot(query), MOST_SECONDS)).response()

    routes.add_api_route(
        ROUTE,
        report,
        methods=["GET"],
        summary="A report on contacts",
        description="Contacts by quarters of an hour, category, channel, direction and location, with how long they "
        "took. `first_contact` tells of the matters that customers began in that time how many one contact settled: no "
        "other contact of theirs about the same category within seven days, no complaint until then. Outbound contacts "
        "and page views begin no matter.",
        operation_id="report_contacts",
        responses=read_responses(
            ContactCentreReport,
            "the report",
            {413: ["too_large"], 422: ["invalid_parameter", "report_too_large", "invalid_position"]},
        ),
        openapi_extra=read_parameters(
            {**FROM, "required": True}, {**TO, "required": True}, *_PARAMETERS.values()
        ),
    )
    routes.add_api_route(ROUTE, report, methods=["HEAD"], include_in_schema=False)
    return routes


def _dimensions(value: str | None) -> list[Dimension]:
    names = [] if value is None else value.split(",")
    for name in names:
        one_of("by", name, _DIMENSIONS)
    if len(set(names)) < len(names):
        raise invalid_parameter("by", "names something twice")
    return [_DIMENSIONS[name] for name in names]


def _shown(cell: dict[str, Any]) -> dict[str, Any]:
    return {**cell, "time": text_of(microseconds_of(cell["time"]))} if "time" in cell else cell


def _grouped(found: Sequence[Matter], by: Sequence[str], depth: int | None) -> list[dict[str, Any]]:
    """The figures of matters by properties of their first contact, most matters first."""
    if not by:
        return []
    groups: dict[tuple[str | None, ...], list[Matter]] = {}
    for matter in found:
        groups.setdefault(tuple(_value(matter, name, depth) for name in by), []).append(matter)
    ordered = sorted(
        groups.items(),
        key=lambda each: (-len(each[1]), [(value is None, value or "") for value in each[0]]),
    )
    return [
        {**dict(zip(by, values, strict=True)), **first_contacts(of_group).figures()}
        for values, of_group in ordered[:MOST_CELLS]
    ]


def _value(matter: Matter, name: str, depth: int | None) -> str | None:
    value: str | None = getattr(matter.first, name)
    if name == "location" and value is not None and depth is not None:
        return "/".join(value.split("/")[:depth])
    return value
