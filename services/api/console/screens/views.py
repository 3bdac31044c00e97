"""`/console/ops/views` and `/console/ops/views/{name}`: where views stand, and how far behind they were."""

import asyncio
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from services.api.console.calls import NOT_FOUND, ApiCalls
from services.api.console.lag_chart import lag_chart
from services.api.console.moments import instant
from services.api.console.pages import Pages
from services.api.console.screens.shown import frame, panel
from services.api.console.visitors import visitor_in
from shared.clock import Clock
from shared.http.problems import Problem

HERE: Final = "ops"
_FEW: Final = "10"


class ViewsScreen:
    """All views. `clock` is the machine's."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page: those that need a person first, then by name."""
        visitor = visitor_in(request.scope)
        answered = await self._calls.get(request.scope, visitor.reader, "/v1/operations/views")
        document = answered.document
        rows = [] if document is None else [_row(each, document["as_of"]) for each in document["views"]]
        given = {
            **frame(visitor, visitor.purpose(None), self._clock(), HERE),
            "views": panel(answered),
            "rows": sorted(rows, key=lambda row: (not row["needs_a_person"], row["view"]["name"])),
        }
        return self._pages.page("ops_views.html.j2", given)


class ViewScreen:
    """One view. `clock` is the machine's."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page. Raises the API's problem where there is no such view."""
        visitor = visitor_in(request.scope)
        name = request.path_params["name"]
        answered, jobs = await asyncio.gather(
            self._calls.get(request.scope, visitor.reader, f"/v1/operations/views/{quote(name, safe='')}"),
            self._calls.get(request.scope, visitor.reader, "/v1/operations/jobs", view=name, limit=_FEW),
        )
        if answered.status == NOT_FOUND and answered.problem is not None:
            raise Problem(404, "unknown_view", answered.problem["detail"])
        document = answered.document
        given = {
            **frame(visitor, visitor.purpose(None), self._clock(), HERE),
            "name": name,
            "found": panel(answered),
            "jobs": panel(jobs),
            "row": None if document is None else _row(document["view"], document["as_of"]),
        }
        return self._pages.page("ops_view.html.j2", given)


def _row(view: dict[str, Any], as_of: str) -> dict[str, Any]:
    return {
        "view": view,
        "chart": lag_chart(view["history"], instant(as_of)),
        "needs_a_person": view["state"] != "live" or bool(view["parked_keys"]),
    }
