"""GET /v1/live: hints, as they arise, that something changed with a customer, at a location, in a queue or a view."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from services.api.access.calls import Part
from services.api.access.reader import Reader, reader_in
from services.api.database import DatabaseUnavailableError
from services.api.live.hub import Hub
from services.api.live.subscriptions import Hint, Subscription, TooManyStreamsError
from services.api.live.topics import MOST_TOPICS, InvalidTopicError, Kind, Topic, topic_of
from services.api.openapi import query_parameter
from services.api.parameters import invalid_parameter, query_parameters, required
from shared.clock import Clock
from shared.http.problems import Problem, described_problems

ROUTE: Final = "/v1/live"
LEAST_SECONDS_BETWEEN: Final = 0.25
"""A topic is told at most four times a second; what happens in between is one hint."""
STANDING_SECONDS: Final = 5.0
"""How often a stream that has nothing to hint at says how far views are behind: they may have stopped."""
LONGEST_SECONDS: Final = 600.0
"""Then a stream ends and its client opens it again: by a credential that still holds, at whichever replica is near."""
_RETRY_MILLISECONDS: Final = 1000
_PARTS: Final[dict[Kind, Part]] = {
    "customer": "customers",
    "location": "customers",
    "complaints": "complaints",
    "tasks": "tasks",
    "view": "customers",
}
_TOPICS: Final = (
    f"what to hear of, separated by commas, at most {MOST_TOPICS}: `customer:ID`, `location:PATH` (that unit and those "
    "below), `complaints:QUEUE` (a level, a person or a department, or `all`), `tasks:ASSIGNEE` (a person or a "
    "department, or `all`), `view:NAME` (a view, or `all`); a comma in a name is written `%2C` "
    "once more"
)
_SINCE: Final = (
    "the id of the last hint that was heard, as `Last-Event-ID`: where nothing changed, nothing is told"
)
_PARAMETERS: Final = {
    "topics": (_TOPICS, {"type": "string", "minLength": 1, "maxLength": 8000}),
    "since": (_SINCE, {"type": "string", "maxLength": 8000}),
}
_DESCRIPTION: Final = """
Server-sent events of the type `changed`, whose data is `{"topic", "generation", "position", "behind_seconds"}`: read
what the topic stands for again, with `Rapport-At-Least: position`. They hold no data, so that whoever reads does it by
their own rights. Each topic is told once at the start, unless `since` or `Last-Event-ID` says that nothing changed;
then at most four times a second. `generation` is another one after a rebuild: then read again instead of adding to what
is shown. Where nothing changes, `standing` comes every 5 s with `behind_seconds`, by which views lag behind the log,
null where that is not known: it grows where they have stopped. Any replica serves any client.
"""


def live_routes(hub: Hub, behind: Callable[[], float | None], clock: Clock) -> APIRouter:
    """The route of hints. `behind` tells by how many seconds views lag behind the log, None where nobody knows."""
    routes = APIRouter(tags=["live"])

    async def live(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], tuple(_PARAMETERS))
        topics = _topics(required("topics", given.get("topics")))
        _check(reader_in(request.scope), topics)
        since = request.headers.get("last-event-id") or given.get("since")
        try:
            subscription = await hub.listen(topics, since)
        except TooManyStreamsError as error:
            raise Problem(
                503, "overloaded", f"{error}; open it again in a second", retry_after_seconds=1
            ) from error
        except DatabaseUnavailableError as error:
            raise Problem(
                503, "database_unavailable", f"{error}; open it again", retry_after_seconds=1
            ) from error
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return EventSourceResponse(_told(hub, subscription, behind, clock), headers=headers)

    routes.add_api_route(
        ROUTE,
        live,
        methods=["GET"],
        summary="Hints that something changed",
        description=_DESCRIPTION,
        operation_id="follow_changes",
        responses={
            200: {"description": "hints, until one of both ends it", "content": {"text/event-stream": {}}},
            **described_problems(
                {
                    403: ["forbidden_call"],
                    422: ["invalid_parameter"],
                    503: ["database_unavailable", "overloaded"],
                }
            ),
        },
        openapi_extra={
            "parameters": [
                query_parameter(name, text, schema) for name, (text, schema) in _PARAMETERS.items()
            ]
        },
    )
    return routes


async def _told(
    hub: Hub, subscription: Subscription, behind: Callable[[], float | None], clock: Clock
) -> AsyncIterator[bytes]:
    """The bytes of a stream, which ends with the process or its client."""
    try:
        yield _event("begun", {"now": clock().isoformat()}, hub.place, retry=_RETRY_MILLISECONDS)
        ends = time.monotonic() + LONGEST_SECONDS
        while not subscription.ended and time.monotonic() < ends:
            hints = await subscription.hints(STANDING_SECONDS)
            if subscription.ended:
                return
            for hint in hints:
                yield _event("changed", _document(hint), hub.place)
            if hints:
                await subscription.pause(LEAST_SECONDS_BETWEEN)
            else:
                yield _event("standing", {"behind_seconds": behind()}, hub.place)
    finally:
        hub.subscriptions.remove(subscription)


def _document(hint: Hint) -> dict[str, Any]:
    behind = None if hint.behind_seconds is None else round(hint.behind_seconds, 2)
    return {
        "topic": str(hint.topic),
        "generation": hint.generation,
        "position": hint.position,
        "behind_seconds": behind,
    }


def _event(name: str, document: Any, id_: str, *, retry: int | None = None) -> bytes:
    return format_sse_event(event=name, data_str=msgspec.json.encode(document).decode(), id=id_, retry=retry)


def _topics(told: str) -> frozenset[Topic]:
    texts = told.split(",")
    if len(texts) > MOST_TOPICS:
        raise invalid_parameter("topics", f"{len(texts)} of them; at most {MOST_TOPICS} a stream")
    try:
        return frozenset(topic_of(text.replace("%2C", ",")) for text in texts)
    except InvalidTopicError as error:
        raise invalid_parameter("topics", str(error)) from error


def _check(reader: Reader, topics: frozenset[Topic]) -> None:
    """Raises the problem 403 for topics of calls that the reader does not have: hints tell something as well."""
    for topic in sorted(topics):
        if _PARTS[topic.kind] not in reader.rights.parts:
            roles = ", ".join(sorted(reader.roles)) or "none"
            detail = (
                f"the roles of this credential ({roles}) do not include {topic.kind} topics; leave them out"
            )
            raise Problem(403, "forbidden_call", detail)
