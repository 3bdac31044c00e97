"""`/console/ops/parked`: what views could not take, by error and event by event."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from services.api.console.calls import ApiCalls
from services.api.console.pages import Pages
from services.api.console.screens.shown import frame, panel
from services.api.console.screens.views import HERE
from services.api.console.visitors import visitor_in
from shared.clock import Clock

_PAGE: Final = "50"
_FILTERS: Final = ("view", "error", "stream_key")


class ParkedScreen:
    """Parked and discarded events. `clock` is the machine's."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page, narrowed by `view`, `error` and `stream_key`; `discarded=true` shows what was given up."""
        visitor, query = visitor_in(request.scope), request.query_params
        wanted = {name: query.get(name) or None for name in _FILTERS}
        discarded = query.get("discarded") == "true"
        answered = await self._calls.get(
            request.scope,
            visitor.reader,
            "/v1/operations/parked",
            **wanted,
            discarded="true" if discarded else None,
            cursor=query.get("cursor"),
            limit=_PAGE,
        )
        given = {
            **frame(visitor, visitor.purpose(None), self._clock(), HERE),
            "parked": panel(answered),
            "asked": {name: value or "" for name, value in wanted.items()},
            "narrowed": ", ".join(value for value in wanted.values() if value),
            "discarded": discarded,
            "later": "cursor" in query,
            "again": str(request.url.replace(scheme="", netloc="")),
        }
        return self._pages.page("ops_parked.html.j2", given)
