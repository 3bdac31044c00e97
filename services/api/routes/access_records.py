"""GET /v1/access-records: who read whose personal data, when and for what."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.record_queries import Filters, Place, record_page
from services.api.access_record_documents import AccessRecordPage
from services.api.cursor import Cursors
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import (
    given_id,
    in_order,
    invalid_parameter,
    moment,
    query_parameters,
    whole_number,
)
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import CURSOR, DEFAULT_LIMIT, LIMIT, MOST_LIMIT, in_one_snapshot
from services.api.whole_customers import of_whole_customers
from services.projections.identity.component import VIEWS, found
from services.projections.view_positions import position_of
from shared.identifiers import customer_id_of, party_id_of

ROUTE: Final = "/v1/access-records"
_MOST_CHARACTERS: Final = 300
_TIME: Final[dict[str, Any]] = {"type": "string", "format": "date-time"}
_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": _MOST_CHARACTERS}
_PARAMETERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "customer": ("reads of this customer, party, `complaint:ID` or `task:ID`", _TEXT),
    "reader": ("reads by this reader, as items name it", _TEXT),
    "from": ("reads at this time or later; RFC 3339 with an offset", _TIME),
    "to": ("reads before this time; RFC 3339 with an offset", _TIME),
}


def access_record_routes(reads: Reads, cursors: Cursors) -> APIRouter:
    """The route of the record."""
    routes = APIRouter(tags=["privacy"])

    async def access_records(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], (*_PARAMETERS, "limit", "cursor"))
        since, until = moment("from", given.get("from")), moment("to", given.get("to"))
        in_order(("from", since), ("to", until))
        subject = _subject(given_id("customer", given.get("customer"), _MOST_CHARACTERS))
        reader = given_id("reader", given.get("reader"), _MOST_CHARACTERS)
        limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
        times = (each.isoformat() if each is not None else None for each in (since, until))
        bound_to = (ROUTE, subject, reader, *times)
        after = opened(given.get("cursor"), Place, bound_to, cursors)

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            subjects = None if subject is None else await _all_ids(connection, subject)
            filters = Filters(subjects, reader, since, until)
            page = await record_page(connection, filters, after, limit)
            following = sealed(page.next, bound_to, cursors)
            return Snapshot(msgspec.json.encode({"items": page.items, "next_cursor": following}), position)

        return (await reads.answer(request.scope, of_whole_customers(in_one_snapshot(query)))).response()

    routes.add_api_route(
        ROUTE,
        access_records,
        methods=["GET"],
        summary="Who read whose personal data",
        description="Newest first. Every read that showed any is here before its answer left. Keyset pages.",
        operation_id="list_access_records",
        responses=read_responses(
            AccessRecordPage,
            "one page",
            {
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_cursor", "invalid_position", "customer_too_large"],
            },
        ),
        openapi_extra=read_parameters(
            *(query_parameter(name, text, schema) for name, (text, schema) in _PARAMETERS.items()),
            LIMIT,
            CURSOR,
        ),
    )
    routes.add_api_route(ROUTE, access_records, methods=["HEAD"], include_in_schema=False)
    return routes


async def _all_ids(connection: Any, subject: str) -> list[str]:
    """Every id that a customer may have been asked about by; others as they are."""
    if not subject.startswith("cus_"):
        return [subject]
    component, _, _ = await found(connection, party_id_of(subject))
    return [subject] if component is None else [customer_id_of(party) for party in component.parties]


def _subject(given: str | None) -> str | None:
    if given is None or given.startswith(("complaint:", "task:")):
        return given
    try:
        return customer_id_of(party_id_of(given))
    except ValueError:
        reason = "not a customer or party id, complaint:ID or task:ID"
        raise invalid_parameter("customer", reason) from None
