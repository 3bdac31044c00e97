"""The console as an application: its screens, who may see them, and what a page says when something fails."""

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.access.reader import Reader
from services.api.console.acting import Acting
from services.api.console.assets import PREFIX, Assets
from services.api.console.calls import ApiCalls
from services.api.console.pages import Pages
from services.api.console.protection import Protected, check_same_origin, reads_only
from services.api.console.screens.case_work import CaseWork
from services.api.console.screens.cases import CaseScreen, CasesScreen
from services.api.console.screens.customer import CustomerScreen
from services.api.console.screens.desk import DeskScreen
from services.api.console.screens.events import EventsScreen, TailScreen
from services.api.console.screens.exports import Exports
from services.api.console.screens.jobs import JobsScreen, OrderScreen
from services.api.console.screens.parked import ParkedScreen
from services.api.console.screens.points import PointsScreen
from services.api.console.screens.search import SearchScreen
from services.api.console.screens.shown import frame
from services.api.console.screens.sign_in import HOME, SIGN_IN, SignIn
from services.api.console.screens.tasks import TasksScreen
from services.api.console.screens.views import ViewScreen, ViewsScreen
from services.api.console.sessions import Sessions
from services.api.console.visitors import NOBODY, Visitors, put_visitor, visitor_in
from services.api.database import DatabaseUnavailableError
from shared.clock import Clock
from shared.credentials.access import Access
from shared.http.problems import Problem, internal_error, trace_id_of

PATH: Final = "/console"
Screen = Callable[[Request], Awaitable[Response]]


def console_app(
    api: ASGIApp,
    *,
    access: Access,
    sessions: Sessions,
    acting: Acting,
    pages: Pages,
    assets: Assets,
    clock: Clock,
    machine_clock: Clock,
) -> ASGIApp:
    """Serves `/console` and everything below it, from the answers of `api`, which is below its own sign-in.

    `clock` is the business's, `machine_clock` that of what runs here.
    """
    calls, new_token = ApiCalls(api), partial(secrets.token_urlsafe, 16)
    sign_in = SignIn(access, sessions, pages, clock)
    search = SearchScreen(calls, pages, clock)
    customer = CustomerScreen(calls, pages, clock)
    points = PointsScreen(calls, pages, clock)
    cases, case = CasesScreen(calls, pages, clock), CaseScreen(calls, pages, clock, new_token)
    tasks = TasksScreen(calls, pages, clock, new_token)
    work = CaseWork(acting, case, clock)
    desk = DeskScreen(calls, pages, clock)
    exports = Exports(calls, clock)
    door = _Door(Visitors(access, sessions, clock), pages, clock)
    routes = [
        Route(PATH, _home),
        Route(f"{PREFIX}/{{name}}", door.open_to_all(assets.serve)),
        Route(SIGN_IN, door.open_to_all(sign_in.show), methods=["GET"]),
        Route(SIGN_IN, door.open_to_all(sign_in.begin), methods=["POST"]),
        Route("/console/sign-out", door.open_to_all(sign_in.end), methods=["POST"]),
        Route(HOME, door.guarded(search.show), methods=["GET"]),
        Route("/console/search", _home, methods=["GET"]),
        Route("/console/search", door.guarded(search.find), methods=["POST"]),
        Route("/console/c/{id}", door.guarded(customer.show), methods=["GET"]),
        Route("/console/c/{id}/timeline.json", door.guarded(exports.timeline), methods=["GET"]),
        Route("/console/c/{id}/statement/{number:int}", door.guarded(exports.statement), methods=["GET"]),
        Route("/console/case.json/{id:path}", door.guarded(exports.case), methods=["GET"]),
        Route("/console/c/{id}/loyalty", door.guarded(points.show), methods=["GET"]),
        Route("/console/cases", door.guarded(cases.show), methods=["GET"]),
        Route("/console/cases/{id:path}", door.guarded(case.show), methods=["GET"]),
        Route("/console/cases/{id:path}", door.guarded(work.on_case), methods=["POST"]),
        Route("/console/tasks/{id:path}", door.guarded(work.on_task), methods=["POST"]),
        Route("/console/tasks", door.guarded(tasks.show), methods=["GET"]),
        Route("/console/desk", door.guarded(desk.show), methods=["GET"]),
        Route("/console/live", door.guarded(_Hints(calls).show), methods=["GET"]),
        *_operation_routes(calls, pages, machine_clock, door),
        Route("/console/{rest:path}", door.guarded(_nowhere)),
    ]
    return Protected(Starlette(routes=routes))


def _operation_routes(calls: ApiCalls, pages: Pages, clock: Clock, door: "_Door") -> list[Route]:
    views, view = ViewsScreen(calls, pages, clock), ViewScreen(calls, pages, clock)
    parked = ParkedScreen(calls, pages, clock)
    events, tail = EventsScreen(calls, pages, clock), TailScreen(calls, pages, clock)
    order, jobs = OrderScreen(calls, pages, clock), JobsScreen(calls, pages, clock)
    return [
        Route("/console/ops/views", door.guarded(views.show), methods=["GET"]),
        Route("/console/ops/views/{name}", door.guarded(view.show), methods=["GET"]),
        Route("/console/ops/parked", door.guarded(parked.show), methods=["GET"]),
        Route("/console/ops/events", door.guarded(events.find), methods=["GET"]),
        Route("/console/ops/events/{partition}/{offset}", door.guarded(events.show), methods=["GET"]),
        Route("/console/ops/tail", door.guarded(tail.show), methods=["GET"]),
        Route("/console/ops/order", door.guarded(order.show), methods=["GET"]),
        Route("/console/ops/order", door.guarded(order.give), methods=["POST"]),
        Route("/console/ops/jobs", door.guarded(jobs.show), methods=["GET"]),
        Route("/console/ops/jobs/{number}", door.guarded(jobs.show_one), methods=["GET"]),
    ]


class ConsoleFirst:
    """Hands what is below `/console` to the console, and the rest to the API."""

    def __init__(self, console: ASGIApp, *, others: ASGIApp) -> None:
        self._console = console
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        path = scope.get("path", "")
        mine = path == PATH or path.startswith(HOME)
        await (self._console if mine else self._others)(scope, receive, send)


class _Door:
    """Lets visitors to screens, and turns what screens raise into pages."""

    def __init__(self, visitors: Visitors, pages: Pages, clock: Clock) -> None:
        self._visitors = visitors
        self._pages = pages
        self._clock = clock

    def guarded(self, screen: Screen) -> Screen:
        """The screen for those who are signed in; others are asked to, and come back to it."""

        async def shown(request: Request) -> Response:
            visitor = await self._visitors.of(request.scope)
            if visitor is None:
                onward = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                after = onward if reads_only(request.method) else HOME
                return RedirectResponse(f"{SIGN_IN}?next={quote(after)}", 303)
            put_visitor(request.scope, visitor)
            return await screen(request)

        return self.open_to_all(shown)

    def open_to_all(self, screen: Screen) -> Screen:
        """The screen, whose problems become pages; what changes something has to come from a page of the console."""

        async def shown(request: Request) -> Response:
            try:
                if not reads_only(request.method):
                    check_same_origin(request.scope["headers"])
                return await screen(request)
            except Problem as problem:
                return self._told(request, problem)
            except DatabaseUnavailableError as error:
                return self._told(request, Problem(503, "database_unavailable", f"{error}; try again"))
            except Exception as error:  # noqa: BLE001 - whatever it was, a person gets a page, and the log the rest
                return self._told(request, internal_error(request.scope, error))

        return shown

    def _told(self, request: Request, problem: Problem) -> Response:
        visitor = visitor_in(request.scope, otherwise=NOBODY)
        around = frame(visitor, visitor.purpose(None), self._clock(), "")
        given = {
            **around,
            "problem": problem,
            "trace_id": trace_id_of(request.scope),
            "sent": not reads_only(request.method),
        }
        response = self._pages.page("problem.html.j2", given, problem.status)
        response.headers.update(problem.headers)
        return response


class _Hints:
    """`/console/live`: the API's hints for whoever is signed in, as browsers send no credential with a stream."""

    def __init__(self, calls: ApiCalls) -> None:
        self._calls = calls

    async def show(self, request: Request) -> Response:
        """The stream itself is the answer."""
        return _Streamed(self._calls, visitor_in(request.scope).reader)


class _Streamed(Response):
    def __init__(self, calls: ApiCalls, reader: Reader) -> None:
        super().__init__()
        self._calls = calls
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._calls.stream(scope, self._reader, "/v1/live", receive, send)


async def _home(_request: Request) -> Response:
    return RedirectResponse(HOME, 308)


async def _nowhere(request: Request) -> Response:
    raise Problem(
        404, "not_found", f"the console has no page at {request.url.path}; search from its first page"
    )
