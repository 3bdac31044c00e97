"""`/console/ops/order` and `/console/ops/jobs`: order what is to be done about views, and see what comes of it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.api.console.calls import NOT_FOUND, UNAVAILABLE, ApiCalls
from services.api.console.forms import form_of
from services.api.console.pages import Pages
from services.api.console.screens.shown import frame, panel
from services.api.console.screens.views import HERE
from services.api.console.visitors import Visitor, visitor_in
from shared.clock import Clock
from shared.http.problems import Problem

_JOBS: Final = "/v1/operations/jobs"
_KINDS: Final = ("redrive", "switch", "roll_back", "verify")
_FIELDS: Final = ("kind", "view", "stream_key", "error", "generation", "again")
_NARROWING: Final = ("view", "stream_key", "error", "again")
_PAGE: Final = "50"
_OWN_FAULT: Final = 500


class _Refusal(NamedTuple):
    """Why an order was not taken, and the trace where that is for the service's staff to find out."""

    why: str
    status: int
    trace: str | None


class OrderScreen:
    """Says what an order comes to before it is given, and takes it once that was typed. `clock` is the machine's."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page. Raises the problem 404 `not_found` for what is no order."""
        return await self._page(request, _wish(request.query_params), None)

    async def give(self, request: Request) -> Response:
        """Gives the order, and shows the job; what is refused is told on the page, with today's count."""
        visitor, form = visitor_in(request.scope), await form_of(request)
        wish = _wish(form)
        expected = form.get("events", "") if wish["kind"] == "redrive" else wish["view"]
        if form.get("typed", "").strip().replace(",", "") != expected:
            return await self._page(request, wish, _Refusal(f"you were to type {expected}", 422, None))
        answered = await self._calls.post(request.scope, visitor.reader, _JOBS, _body(wish, form, visitor))
        if answered.problem is not None:
            problem = answered.problem
            trace = problem["instance"].rpartition(":")[2] if answered.status >= _OWN_FAULT else None
            return await self._page(request, wish, _Refusal(problem["detail"], answered.status, trace))
        return RedirectResponse(f"/console/ops/jobs/{answered.document['number']}", 303)

    async def _page(self, request: Request, wish: dict[str, Any], refused: _Refusal | None) -> Response:
        visitor = visitor_in(request.scope)
        count = None
        if wish["kind"] == "redrive":
            narrowed = {name: wish[name] for name in _NARROWING}
            answered = await self._calls.get(
                request.scope, visitor.reader, "/v1/operations/parked/count", **narrowed
            )
            count = panel(answered)
        counted = None if count is None or count["document"] is None else count["document"]["events"]
        given = {
            **frame(visitor, visitor.purpose(None), self._clock(), HERE),
            "wish": wish,
            "count": count,
            "expected": wish["view"] if count is None else counted,
            "refused": None if refused is None else refused.why,
            "certain": refused is None or refused.status < UNAVAILABLE,
            "trace": None if refused is None else refused.trace,
            "narrowed": ", ".join(wish[name] for name in ("view", "stream_key", "error") if wish[name]),
            "back": _back(wish),
        }
        return self._pages.page("ops_order.html.j2", given, 200 if refused is None else refused.status)


class JobsScreen:
    """What was ordered. `clock` is the machine's."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """All jobs, newest first."""
        visitor, query = visitor_in(request.scope), request.query_params
        answered = await self._calls.get(
            request.scope, visitor.reader, _JOBS, cursor=query.get("cursor"), limit=_PAGE
        )
        given = {
            **frame(visitor, visitor.purpose(None), self._clock(), HERE),
            "jobs": panel(answered),
            "later": "cursor" in query,
        }
        return self._pages.page("ops_jobs.html.j2", given)

    async def show_one(self, request: Request) -> Response:
        """One job. Raises the API's problem where there is no such."""
        visitor = visitor_in(request.scope)
        number = quote(request.path_params["number"], safe="")
        answered = await self._calls.get(request.scope, visitor.reader, f"{_JOBS}/{number}")
        if answered.status == NOT_FOUND and answered.problem is not None:
            raise Problem(404, "unknown_job", answered.problem["detail"])
        given = {
            **frame(visitor, visitor.purpose(None), self._clock(), HERE),
            "found": panel(answered),
        }
        return self._pages.page("ops_job.html.j2", given)


def _wish(given: Mapping[str, str]) -> dict[str, Any]:
    wish: dict[str, Any] = {name: given.get(name) or None for name in _FIELDS}
    wish["again"] = "true" if wish["again"] == "true" and wish["kind"] == "redrive" else None
    if wish["kind"] not in _KINDS or not wish["view"]:
        raise Problem(404, "not_found", "this is no order; begin on the page of a view, or of what is parked")
    return wish


def _body(wish: Mapping[str, Any], form: Mapping[str, str], visitor: Visitor) -> dict[str, Any]:
    """The order as the API takes it; a number that is none stays a text, which it refuses."""
    body = {name: value for name, value in wish.items() if value is not None}
    if wish["again"]:
        body["again"] = True
    numbers = {"generation": wish["generation"], "events": form.get("events")}
    body |= {
        name: int(text) if text.isascii() and text.isdecimal() else text
        for name, text in numbers.items()
        if text
    }
    return body if visitor.staff is None else {**body, "staff": visitor.staff}


def _back(wish: Mapping[str, Any]) -> str:
    if wish["kind"] == "redrive":
        return "/console/ops/parked?" + urlencode({"view": wish["view"]})
    return f"/console/ops/views/{quote(wish['view'], safe='')}"
