"""`/console/cases` and `/console/cases/{id}`: complaints by their deadlines, and one with all its clocks."""

from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from services.api.console.calls import NOT_FOUND, ApiCalls
from services.api.console.clock_bars import clock_bar
from services.api.console.pages import Pages
from services.api.console.screens.shown import frame, panel
from services.api.console.visitors import visitor_in
from services.api.console.withheld import closed
from shared.clock import Clock
from shared.http.problems import Problem

_PAGE: Final = "50"
STATES: Final = ("active", "overdue", "resolved", "all")
"""What the list can be narrowed to by one press."""


class CasesScreen:
    """The list of complaints."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page: overdue ones first thing, others by choice; `assignee` narrows it to a person or department."""
        visitor, asked = visitor_in(request.scope), request.query_params
        purpose = visitor.purpose(asked.get("purpose"))
        status = asked.get("status") or None
        overdue = asked.get("overdue", "" if status else "true") == "true"
        assignee = asked.get("assignee") or None
        cases = await self._calls.get(
            request.scope,
            visitor.reader,
            "/v1/complaints",
            status=status,
            overdue="true" if overdue else None,
            assignee=assignee,
            cursor=asked.get("cursor"),
            limit=_PAGE,
        )
        given = {
            **frame(visitor, purpose, self._clock(), "cases"),
            "cases": panel(cases),
            "status": status or "",
            "overdue": overdue,
            "assignee": assignee or "",
            "later": "cursor" in asked,
            "again": str(request.url.replace(scheme="", netloc="")),
        }
        return self._pages.page("cases.html.j2", given)


class CaseScreen:
    """One complaint."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page. Raises the API's problem where there is no such complaint."""
        visitor, now = visitor_in(request.scope), self._clock()
        purpose = visitor.purpose(request.query_params.get("purpose"))
        complaint_id = quote(request.path_params["id"], safe="")
        answered = await self._calls.get(
            request.scope, visitor.reader, f"/v1/complaints/{complaint_id}", purpose=purpose
        )
        if answered.status == NOT_FOUND and answered.problem is not None:
            raise Problem(404, "unknown_complaint", answered.problem["detail"])
        document = answered.document
        given = {
            **frame(visitor, purpose, now, "cases"),
            "case": panel(answered),
            "again": str(request.url.replace(scheme="", netloc="")),
            "bars": [] if document is None else [clock_bar(each, now) for each in document["clocks"]],
            "closed": closed([] if document is None else document["withheld"], visitor),
        }
        return self._pages.page("case.html.j2", given)
