"""`/console/ops/events` and below it, and `/console/ops/tail`: single events, and the newest ones."""

import json
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.api.console.calls import NOT_FOUND, ApiCalls
from services.api.console.pages import Pages
from services.api.console.screens.shown import frame, panel
from services.api.console.screens.views import HERE
from services.api.console.visitors import visitor_in
from shared.clock import Clock
from shared.http.problems import Problem

_EVENTS: Final = "/v1/operations/events"
_FILTERS: Final = ("type", "source", "channel")


class EventsScreen:
    """Looks an event up, and shows it. `clock` is the machine's."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def find(self, request: Request) -> Response:
        """The form; with `source` and `id`, or `partition` and `offset`, the event, or why there is none."""
        visitor, query = visitor_in(request.scope), request.query_params
        asked = {name: query.get(name, "").strip() for name in ("source", "id", "partition", "offset")}
        failed, absent = None, False
        if asked["partition"] and asked["offset"]:
            return RedirectResponse(_address(asked["partition"], asked["offset"]), 303)
        if asked["source"] and asked["id"]:
            answered = await self._calls.get(
                request.scope, visitor.reader, _EVENTS, source=asked["source"], id=asked["id"]
            )
            if answered.problem is None:
                found = answered.document
                return RedirectResponse(_address(found["partition"], found["offset"]), 303)
            failed = panel(answered)
            absent = answered.status == NOT_FOUND
        given = {
            **frame(visitor, visitor.purpose(None), self._clock(), HERE),
            "asked": asked,
            "failed": failed,
            "absent": absent,
        }
        return self._pages.page("ops_events.html.j2", given)

    async def show(self, request: Request) -> Response:
        """One event. Raises the API's problem where there is none at the place."""
        visitor, params = visitor_in(request.scope), request.path_params
        path = f"{_EVENTS}/{quote(params['partition'], safe='')}/{quote(params['offset'], safe='')}"
        cursor = request.query_params.get("cursor")
        answered = await self._calls.get(request.scope, visitor.reader, path, cursor=cursor)
        if answered.status == NOT_FOUND and answered.problem is not None:
            raise Problem(404, "unknown_event", answered.problem["detail"])
        document = answered.document
        given = {
            **frame(visitor, visitor.purpose(None), self._clock(), HERE),
            "found": panel(answered),
            "data": None if document is None or document["event"] is None else _written(document["event"]),
            "later": cursor is not None,
        }
        return self._pages.page("ops_event.html.j2", given)


class TailScreen:
    """The newest events. `clock` is the machine's."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page, narrowed by `type`, `source` and `channel`; `since` counts what is new, `until` stays there."""
        visitor, query = visitor_in(request.scope), request.query_params
        wanted = {name: query.get(name) or None for name in _FILTERS}
        since, until = query.get("since") or None, query.get("until") or None
        answered = await self._calls.get(
            request.scope, visitor.reader, "/v1/operations/tail", **wanted, since=since, until=until
        )
        narrowed = {name: value for name, value in wanted.items() if value}
        position = None if answered.document is None else answered.document["position"]
        given = {
            **frame(visitor, visitor.purpose(None), self._clock(), HERE),
            "tail": panel(answered),
            "asked": {name: value or "" for name, value in wanted.items()},
            "narrowed": ", ".join(narrowed.values()),
            "counted": since is not None,
            "paused": until is not None,
            "again": "/console/ops/tail?" + urlencode({**narrowed, "since": position or ""}),
            "pause": "/console/ops/tail?" + urlencode({**narrowed, "until": position or ""}),
        }
        return self._pages.page("ops_tail.html.j2", given)


def _address(partition: Any, offset: Any) -> str:
    return f"/console/ops/events/{quote(str(partition), safe='')}/{quote(str(offset), safe='')}"


def _written(event: dict[str, Any]) -> str:
    """The data as people read JSON; what is withheld says so itself."""
    return json.dumps(event["data"], indent=2, ensure_ascii=False)
