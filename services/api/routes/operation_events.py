"""GET /v1/operations/events and /v1/operations/tail: single events for operators, and the newest ones."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.cursor import Cursors
from services.api.openapi import path_parameter, query_parameter, read_parameters, read_responses
from services.api.operations.event_documents import EventDetail, TailPage
from services.api.operations.events import event_document
from services.api.operations.live import live_position
from services.api.operations.room import OperationsRoom
from services.api.parameters import given_id, invalid_parameter, query_parameters, required
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import CURSOR, in_one_snapshot
from services.projections.sight.journal_look_up import Place, place_of
from services.projections.sight.journal_tail import Wanted, journal_tail
from services.projections.sight.positions import live_positions
from shared.http.problems import Problem
from shared.position import InvalidPositionError, Position

EVENTS: Final = "/v1/operations/events"
EVENT: Final = EVENTS + "/{partition}/{offset}"
TAIL: Final = "/v1/operations/tail"
_MOST_CHARACTERS: Final = 512
_MOST_PARTITION: Final = 99_999
_MOST_OFFSET: Final = 2**63 - 1
_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": _MOST_CHARACTERS}
_DIGITS: Final[dict[str, Any]] = {"type": "string", "pattern": "^[0-9]{1,19}$"}
_POSITION: Final[dict[str, Any]] = {"type": "string", "examples": ["0:17,5:4"]}
_PROBLEMS: Final[dict[int, list[str]]] = {
    404: ["unknown_event", "not_found"],
    413: ["too_large"],
    422: ["invalid_parameter", "invalid_cursor", "invalid_position"],
}


def operation_event_routes(reads: Reads, room: OperationsRoom, cursors: Cursors) -> APIRouter:
    """The routes of events."""
    routes = APIRouter(tags=["operations"])

    async def told(connection: Any, place: Place, cursor: str | None) -> Snapshot:
        bound_to = (EVENTS, str(place.partition), str(place.offset))
        after = opened(cursor, Place, bound_to, cursors)
        found = await event_document(connection, place, after, room.decode, room.consumed)
        position = await live_position(connection)
        if isinstance(found, Problem):
            return Snapshot(found, position)
        document, following = found
        answer = {**document, "next_cursor": sealed(following, bound_to, cursors)}
        return Snapshot(msgspec.json.encode(answer), position)

    async def by_place(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("cursor",))
        place = Place(
            _number(request.path_params["partition"], _MOST_PARTITION),
            _number(request.path_params["offset"], _MOST_OFFSET),
        )

        async def query(connection: Any) -> Snapshot:
            return await told(connection, place, given.get("cursor"))

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    async def by_id(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("source", "id", "cursor"))
        source = required("source", given_id("source", given.get("source"), _MOST_CHARACTERS))
        event_id = required("id", given_id("id", given.get("id"), _MOST_CHARACTERS))

        async def query(connection: Any) -> Snapshot:
            place = await place_of(connection, source, event_id)
            if place is None:
                detail = "no such event was applied; check source and id, or look among parked events and at the lag"
                return Snapshot(Problem(404, "unknown_event", detail), await live_position(connection))
            return await told(connection, place, given.get("cursor"))

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    async def tail(request: Request) -> Response:
        given = query_parameters(
            request.scope["query_string"], ("type", "source", "channel", "since", "until")
        )
        wanted = Wanted(
            *(given_id(name, given.get(name), _MOST_CHARACTERS) for name in ("type", "source", "channel"))
        )
        since, until = _position("since", given), _position("until", given)

        async def query(connection: Any) -> Snapshot:
            live = await live_positions(connection)
            ends = live if until is None else {each: min(at, until.get(each, 0)) for each, at in live.items()}
            found = await journal_tail(connection, wanted, since, ends)
            answer = {
                "items": [each._asdict() for each in found.entries],
                "position": Position({each: at for each, at in ends.items() if at}).token(),
                "new": found.new,
                "dropped": found.dropped,
                "rate": room.samples.fastest(),
            }
            return Snapshot(msgspec.json.encode(answer), await live_position(connection))

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    _add(
        routes,
        EVENT,
        by_place,
        "An event at a place of the log",
        "read_event_at",
        path_parameter("partition", "the partition", _DIGITS),
        path_parameter("offset", "the offset in it", _DIGITS),
        CURSOR,
    )
    _add(
        routes,
        EVENTS,
        by_id,
        "An event by source and id",
        "read_event",
        {**query_parameter("source", "the event's source", _TEXT), "required": True},
        {**query_parameter("id", "its id", _TEXT), "required": True},
        CURSOR,
    )
    routes.add_api_route(
        TAIL,
        tail,
        methods=["GET"],
        summary="The newest events",
        description="At most 200 as they were applied. A filter looks at the newest 2,000 events of each partition.",
        operation_id="read_tail",
        responses=read_responses(
            TailPage, "the events", {413: ["too_large"], 422: ["invalid_parameter", "invalid_position"]}
        ),
        openapi_extra=read_parameters(
            query_parameter("type", "of this type", _TEXT),
            query_parameter("source", "of this source", _TEXT),
            query_parameter("channel", "of this channel", _TEXT),
            query_parameter(
                "since", "the `position` of the answer before: what came after it is `new`", _POSITION
            ),
            query_parameter("until", "the `position` of an answer to stay at", _POSITION),
        ),
    )
    routes.add_api_route(TAIL, tail, methods=["HEAD"], include_in_schema=False)
    return routes


def _add(
    routes: APIRouter, path: str, answer: Any, summary: str, operation_id: str, *parameters: Mapping[str, Any]
) -> None:
    routes.add_api_route(
        path,
        answer,
        methods=["GET"],
        summary=summary,
        description="Without personal data; with its place, cause and effects, and which views have applied it.",
        operation_id=operation_id,
        responses=read_responses(EventDetail, "the event", _PROBLEMS),
        openapi_extra=read_parameters(*parameters),
    )
    routes.add_api_route(path, answer, methods=["HEAD"], include_in_schema=False)


def _number(text: str, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > most:
        raise Problem(404, "unknown_event", "this is no place of the log; it has a partition and an offset")
    return int(text)


def _position(name: str, given: Mapping[str, str]) -> Mapping[int, int] | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        return Position.parse(text).offsets
    except InvalidPositionError as error:
        raise invalid_parameter(name, str(error)) from error
