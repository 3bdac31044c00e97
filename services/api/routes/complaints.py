"""GET /v1/complaints: complaints by who has them, how they stand, and whether they are overdue."""

from datetime import datetime
from typing import Any, Final, NamedTuple, get_args

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.complaint_documents import ComplaintPage
from services.api.cursor import Cursors
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import flag, given_id, in_order, moment, one_of, query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import (
    CURSOR,
    DEFAULT_LIMIT,
    LIMIT,
    MOST_LIMIT,
    in_one_snapshot,
    present,
)
from services.projections.complaints.list_queries import Filters, Place, complaint_list
from services.projections.complaints.policies_in_force import PoliciesInForce
from services.projections.complaints.states import LEVELS, STATES
from services.projections.view_positions import position_of
from shared.clock import Clock
from shared.events.complaint import Severity

ROUTE: Final = "/v1/complaints"
MOST_ID_CHARACTERS: Final = 128
MOST_DUE_MINUTES: Final = 100_000
VIEWS: Final = ("complaints",)

_SEVERITIES: Final[tuple[str, ...]] = get_args(Severity)
_TIME: Final[dict[str, Any]] = {"type": "string", "format": "date-time"}
_PARAMETERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "status": ("complaints in this state", {"type": "string", "enum": list(STATES)}),
    "severity": ("complaints of this severity", {"type": "string", "enum": list(_SEVERITIES)}),
    "level": ("complaints at this level", {"type": "string", "enum": list(LEVELS)}),
    "assignee": (
        "complaints of this person or department",
        {"type": "string", "minLength": 1, "maxLength": MOST_ID_CHARACTERS},
    ),
    "overdue": (
        "`true`: those with a clock that is past due and has not ended, soonest deadline first; `false`: the others",
        {"type": "string", "enum": ["true", "false"]},
    ),
    "due_within": (
        "minutes: those with a clock that is past due or will be by then, soonest deadline first",
        {"type": "integer", "minimum": 0, "maximum": MOST_DUE_MINUTES},
    ),
    "opened_from": ("opened at this time or later; RFC 3339 with an offset", _TIME),
    "opened_to": ("opened before this time; RFC 3339 with an offset", _TIME),
}


class _Wanted(NamedTuple):
    filters: Filters
    after: Place | None
    limit: int
    bound_to: tuple[str | None, ...]


def complaint_list_routes(
    reads: Reads, policies: PoliciesInForce, cursors: Cursors, clock: Clock
) -> APIRouter:
    """The route of the list. `clock` says what is now, for clocks and for what is overdue."""
    routes = APIRouter(tags=["complaints"])

    async def complaints(request: Request) -> Response:
        wanted = _wanted(request.scope["query_string"], cursors)
        now = present(clock)

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            page = await complaint_list(
                connection, policies, wanted.filters, now, after=wanted.after, limit=wanted.limit
            )
            following = sealed(page.next, wanted.bound_to, cursors)
            return Snapshot(msgspec.json.encode({"items": page.items, "next_cursor": following}), position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        ROUTE,
        complaints,
        methods=["GET"],
        summary="Complaints",
        description="Newest first, or those that are overdue or soon will be, soonest deadline first. Keyset pages; a "
        "list of these keeps the time of its first page, and what falls due meanwhile is in the next list.",
        operation_id="list_complaints",
        responses=read_responses(
            ComplaintPage,
            "one page",
            {413: ["too_large"], 422: ["invalid_parameter", "invalid_cursor", "invalid_position"]},
        ),
        openapi_extra=read_parameters(
            *(query_parameter(name, text, schema) for name, (text, schema) in _PARAMETERS.items()),
            LIMIT,
            CURSOR,
        ),
    )
    routes.add_api_route(ROUTE, complaints, methods=["HEAD"], include_in_schema=False)
    return routes


def _wanted(query_string: bytes, cursors: Cursors) -> _Wanted:
    given = query_parameters(query_string, (*_PARAMETERS, "limit", "cursor"))
    filters = Filters(
        status=one_of("status", given.get("status"), STATES),
        severity=one_of("severity", given.get("severity"), _SEVERITIES),
        level=one_of("level", given.get("level"), LEVELS),
        assignee=given_id("assignee", given.get("assignee"), MOST_ID_CHARACTERS),
        overdue=flag("overdue", given.get("overdue")),
        opened_from=moment("opened_from", given.get("opened_from")),
        opened_to=moment("opened_to", given.get("opened_to")),
        due_within=_minutes(given.get("due_within")),
    )
    in_order(("opened_from", filters.opened_from), ("opened_to", filters.opened_to))
    limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
    bound_to = (ROUTE, *(_as_text(each) for each in filters))
    return _Wanted(filters, opened(given.get("cursor"), Place, bound_to, cursors), limit, bound_to)


def _minutes(told: str | None) -> int | None:
    return None if told is None else whole_number("due_within", told, 0, MOST_DUE_MINUTES, 0)


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)
