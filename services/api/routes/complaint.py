"""GET /v1/complaints/{complaint_id} and its history: how a complaint stands at a time, and what was done about it."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.disclosure import PURPOSE_PARAMETER, PURPOSE_PROBLEMS, UNOPENED, Disclosures
from services.api.complaint_documents import Complaint, ComplaintHistoryPage
from services.api.cursor import Cursors
from services.api.openapi import path_parameter, query_parameter, read_parameters, read_responses
from services.api.parameters import moment, one_of, query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.complaints import MOST_ID_CHARACTERS
from services.api.routes.loyalty_account import (
    CURSOR,
    DEFAULT_LIMIT,
    LIMIT,
    MOST_LIMIT,
    in_one_snapshot,
    present,
)
from services.projections.complaints.case_reads import CaseReads
from services.projections.complaints.queries import (
    VIEWS,
    Asked,
    complaint_at,
    events_waiting,
    history_page,
)
from services.projections.history.folding import HistoryTooLargeError
from services.projections.view_positions import position_of
from shared.clock import Clock
from shared.events.vocabulary import PersonalCategory
from shared.http.problems import Problem
from shared.position import Position

COMPLAINT: Final = "/v1/complaints/{complaint_id}"
HISTORY: Final = "/v1/complaints/{complaint_id}/history"

_COMPLAINT_PATH: Final = "/v1/complaints/{complaint_id:path}"
"""An id may have slashes, so whatever else lies below the complaints is to be routed before."""
_HISTORY_PATH: Final = "/v1/complaints/{complaint_id:path}/history"
_ORDERS: Final = ("desc", "asc")
_COMPLAINT_ID: Final = path_parameter(
    "complaint_id",
    "the complaint's number in the system that opened it",
    {"type": "string", "minLength": 1, "maxLength": MOST_ID_CHARACTERS},
)
_AS_OF: Final = query_parameter(
    "as_of",
    "a time of the past or the future, RFC 3339 with an offset; now where absent. What is known now of what happened "
    "until then, and how the clocks stood, or will stand if nothing happens",
    {"type": "string", "format": "date-time"},
)
_ORDER: Final = query_parameter(
    "order",
    "`desc`, last in the log first, or `asc`",
    {"type": "string", "enum": list(_ORDERS), "default": "desc"},
)
_HOLDS: Final[tuple[PersonalCategory, ...]] = ("free_text",)
_NOT_FOUND: Final = ["unknown_complaint", "not_found"]


def complaint_routes(
    reads: Reads, cases: CaseReads, disclosures: Disclosures, cursors: Cursors, clock: Clock
) -> APIRouter:
    """The routes of one complaint. `clock` says what is now where a request does not say as of when."""
    routes = APIRouter(tags=["complaints"])

    async def complaint(request: Request) -> Response:
        request.scope["rapport.route"] = COMPLAINT
        given = query_parameters(request.scope["query_string"], ("as_of", "purpose"))
        disclosure = disclosures.of(request.scope, given.get("purpose"), COMPLAINT, _HOLDS)
        asked = Asked(_complaint_id(request), present(clock), moment("as_of", given.get("as_of")))

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            try:
                found = await complaint_at(cases, connection, asked, position)
            except HistoryTooLargeError as error:
                return Snapshot(Problem(422, "history_too_large", str(error)), position)
            if found is None:
                return await _unknown(connection, asked.complaint_id, position)
            opened = {}
            if found.said is not None and disclosure.opens:
                [opened] = await disclosure.open_parts([(found.view["customer_id"], found.said)])
            answer = {**found.view, **opened, "withheld": disclosure.withheld}
            return Snapshot(msgspec.json.encode(answer), position)

        answer = await reads.answer(request.scope, in_one_snapshot(query))
        await disclosure.record()
        return answer.response()

    async def history(request: Request) -> Response:
        request.scope["rapport.route"] = HISTORY
        given = query_parameters(request.scope["query_string"], ("order", "limit", "cursor"))
        complaint_id = _complaint_id(request)
        order = one_of("order", given.get("order"), _ORDERS) or _ORDERS[0]
        limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
        bound_to = (HISTORY, complaint_id, order)
        place = opened(given.get("cursor"), tuple[int], bound_to, cursors)
        after = None if place is None else place[0]

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS[:1])
            page = await history_page(
                connection, complaint_id, after=after, limit=limit, ascending=order == "asc"
            )
            if page is None:
                return await _unknown(connection, complaint_id, position)
            following = sealed(None if page.next is None else (page.next,), bound_to, cursors)
            return Snapshot(msgspec.json.encode({"items": page.items, "next_cursor": following}), position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        _HISTORY_PATH,
        history,
        methods=["GET"],
        summary="A complaint's history",
        description="All of it, an entry an event, those that changed nothing included. Keyset pages.",
        operation_id="read_complaint_history",
        responses=read_responses(
            ComplaintHistoryPage,
            "one page",
            {
                404: _NOT_FOUND,
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_cursor", "invalid_position"],
            },
        ),
        openapi_extra=read_parameters(_COMPLAINT_ID, _ORDER, LIMIT, CURSOR),
    )
    routes.add_api_route(_HISTORY_PATH, history, methods=["HEAD"], include_in_schema=False)
    routes.add_api_route(
        _COMPLAINT_PATH,
        complaint,
        methods=["GET"],
        summary="A complaint at a time",
        operation_id="read_complaint",
        responses=read_responses(
            Complaint,
            "the complaint",
            {
                **PURPOSE_PROBLEMS,
                503: UNOPENED,
                404: _NOT_FOUND,
                413: ["too_large"],
                422: ["invalid_parameter", "history_too_large", "invalid_position"],
            },
        ),
        openapi_extra=read_parameters(_COMPLAINT_ID, _AS_OF, PURPOSE_PARAMETER),
    )
    routes.add_api_route(_COMPLAINT_PATH, complaint, methods=["HEAD"], include_in_schema=False)
    return routes


def _complaint_id(request: Request) -> str:
    complaint_id: str = request.path_params["complaint_id"]
    if not complaint_id or len(complaint_id) > MOST_ID_CHARACTERS or "\0" in complaint_id:
        raise Problem(404, "unknown_complaint", "this is no complaint's id; check it")
    return complaint_id


async def _unknown(connection: Any, complaint_id: str, position: Position) -> Snapshot:
    detail = (
        "no such complaint was open by then; check id and time, or ask again with the position of its opening"
    )
    if waiting := await events_waiting(connection, complaint_id):
        detail = f"this complaint was not opened yet; of it, {waiting} events wait for `complaint.opened`"
    return Snapshot(Problem(404, "unknown_complaint", detail), position)
