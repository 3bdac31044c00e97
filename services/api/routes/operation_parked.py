"""GET /v1/operations/parked and its count: what views could not take, by error, and what a redrive would take up."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.cursor import Cursors
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.operations.live import live_position
from services.api.operations.parked_documents import ParkedCount, ParkedPage
from services.api.operations.view_names import said_view, stored_view
from services.api.parameters import flag, given_id, query_parameters, required, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import CURSOR, DEFAULT_LIMIT, LIMIT, MOST_LIMIT, in_one_snapshot
from services.projections.sight.parked_counting import count_redrivable
from services.projections.sight.parked_listing import Filter, ParkedEvent, Place, parked_page

PARKED: Final = "/v1/operations/parked"
COUNT: Final = PARKED + "/count"
_MOST_CHARACTERS: Final = 300
_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": _MOST_CHARACTERS}
_FLAG: Final[dict[str, Any]] = {"type": "string", "enum": ["true", "false"], "default": "false"}
_VIEW: Final = query_parameter("view", "of this view; `undecodable` for what no view could read", _TEXT)
_KEY: Final = query_parameter("stream_key", "of this stream key", _TEXT)


def operation_parked_routes(reads: Reads, cursors: Cursors) -> APIRouter:
    """The routes of parked events."""
    routes = APIRouter(tags=["operations"])

    async def parked(request: Request) -> Response:
        given = query_parameters(
            request.scope["query_string"], ("view", "stream_key", "error", "discarded", "limit", "cursor")
        )
        wanted = Filter(*_narrowed(given), discarded=flag("discarded", given.get("discarded")) or False)
        limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
        bound_to = (PARKED, wanted.view, wanted.key, wanted.error, str(wanted.discarded))
        after = opened(given.get("cursor"), Place, bound_to, cursors)

        async def query(connection: Any) -> Snapshot:
            page = await parked_page(connection, wanted, limit, after)
            answer = {
                "groups": [{**each._asdict(), "view": said_view(each.view)} for each in page.groups],
                "items": [parked_document(each) for each in page.events],
                "next_cursor": sealed(page.next, bound_to, cursors),
            }
            return Snapshot(msgspec.json.encode(answer), await live_position(connection))

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    async def count(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("view", "stream_key", "error", "again"))
        view, key, error = _narrowed(given)
        view = required("view", view)
        again = flag("again", given.get("again")) or False

        async def query(connection: Any) -> Snapshot:
            counted = await count_redrivable(connection, view, key, error, again=again)
            return Snapshot(msgspec.json.encode(counted._asdict()), await live_position(connection))

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    problems = {413: ["too_large"], 422: ["invalid_parameter", "invalid_cursor", "invalid_position"]}
    routes.add_api_route(
        PARKED,
        parked,
        methods=["GET"],
        summary="Parked events",
        description="In groups by view and error, and event by event. Keyset pages.",
        operation_id="list_parked_events",
        responses=read_responses(ParkedPage, "one page", problems),
        openapi_extra=read_parameters(
            _VIEW,
            _KEY,
            query_parameter("error", "with this error", _TEXT),
            query_parameter(
                "discarded",
                "`true`: what was discarded, instead of what waits",
                _FLAG,
            ),
            LIMIT,
            CURSOR,
        ),
    )
    routes.add_api_route(PARKED, parked, methods=["HEAD"], include_in_schema=False)
    routes.add_api_route(
        COUNT,
        count,
        methods=["GET"],
        summary="What a redrive would take up",
        description="Of keys whose first parked event has the error, where one is named: those behind it go with it.",
        operation_id="count_parked_events",
        responses=read_responses(
            ParkedCount,
            "the count",
            {413: ["too_large"], 422: ["invalid_parameter", "invalid_position"]},
        ),
        openapi_extra=read_parameters(
            {**_VIEW, "required": True},
            _KEY,
            query_parameter("error", "of keys whose first parked event has this error", _TEXT),
            query_parameter("again", "`true`: also events whose redrive ended the process twice", _FLAG),
        ),
    )
    routes.add_api_route(COUNT, count, methods=["HEAD"], include_in_schema=False)
    return routes


def parked_document(event: ParkedEvent) -> dict[str, Any]:
    """A parked event without its record."""
    place = event.place
    return {
        "view": said_view(place.view),
        "partition": place.partition,
        "offset": place.offset,
        "state": "discarded" if event.discarded_at else "parked",
        "stream_key": event.stream_key,
        "event_id": event.event_id,
        "source": event.source,
        "error": event.error,
        "detail": event.detail,
        "attempts": event.attempts,
        "attempts_unanswered": event.unanswered,
        "parked_at": event.parked_at,
        "discarded_at": event.discarded_at,
        "discarded_by": event.discarded_by,
        "reason": event.reason,
    }


def _narrowed(given: Any) -> tuple[str | None, str | None, str | None]:
    view = given_id("view", given.get("view"), _MOST_CHARACTERS)
    return (
        None if view is None else stored_view(view),
        given_id("stream_key", given.get("stream_key"), _MOST_CHARACTERS),
        given_id("error", given.get("error"), _MOST_CHARACTERS),
    )
