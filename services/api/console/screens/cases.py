"""`/console/cases` and `/console/cases/{id}`: complaints by their deadlines, and one with all its clocks."""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from services.api.access.purposes import Purpose
from services.api.console.calls import NOT_FOUND, ApiCalls
from services.api.console.clock_bars import ClockBar, clock_bar
from services.api.console.moments import instant
from services.api.console.pages import Pages
from services.api.console.screens.search import SOON_MINUTES
from services.api.console.screens.shown import follows, frame, panel
from services.api.console.visitors import visitor_in
from services.api.console.withheld import closed
from shared.clock import Clock
from shared.events.complaint import CompensationKind, EscalationReason, HandlingFault, Level, Resolution
from shared.http.problems import Problem

_PAGE: Final = "50"
CHOICES: Final = {
    "resolution": get_args(Resolution),
    "handling_fault": get_args(HandlingFault),
    "kind": get_args(CompensationKind),
    "level": get_args(Level),
    "reason": get_args(EscalationReason),
}
"""What the forms offer: the words of the events themselves."""
ACCEPTED_NOT_SHOWN: Final = (
    "it is accepted and stands in the log, so there is no need to send it again; the views are behind, and will show "
    "it once they have come to it"
)
"""What is said of an action whose event no view has taken in time."""


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
        soon = asked.get("due") == "soon"
        overdue = asked.get("overdue", "" if status or soon else "true") == "true"
        assignee = asked.get("assignee") or None
        cases = await self._calls.get(
            request.scope,
            visitor.reader,
            "/v1/complaints",
            status=status,
            overdue="true" if overdue else None,
            due_within=SOON_MINUTES if soon else None,
            assignee=assignee,
            cursor=asked.get("cursor"),
            limit=_PAGE,
        )
        given = {
            **frame(visitor, purpose, self._clock(), "cases"),
            "cases": panel(cases),
            "status": status or "",
            "overdue": overdue,
            "soon": soon,
            "assignee": assignee or "",
            "follows": "cursor" not in asked and follows(cases),
            "again": str(request.url.replace(scheme="", netloc="")),
        }
        return self._pages.page("cases.html.j2", given)


class CaseScreen:
    """One complaint, and what can be done about it. `new_token` makes what tells two presses of one form."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock, new_token: Callable[[], str]) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock
        self._new_token = new_token

    async def check_known(self, request: Request) -> None:
        """Raises the problem 404 where there is no such complaint, so that nothing is posted of it."""
        answered = await self._calls.get(
            request.scope, visitor_in(request.scope).reader, _call(request.path_params["id"])
        )
        if answered.status == NOT_FOUND:
            raise unknown_case()

    async def show(
        self, request: Request, *, draft: Mapping[str, str] | None = None, refused: str | None = None
    ) -> Response:
        """The page, with the outcome of the action that `did` names, or the draft of one that was refused.

        Raises the problem 404 where there is no such complaint.
        """
        visitor, asked, now = visitor_in(request.scope), request.query_params, self._clock()
        form = draft or {}
        purpose = visitor.purpose(form.get("purpose", asked.get("purpose")))
        answered = await self._calls.get(
            request.scope, visitor.reader, _call(request.path_params["id"]), asked.get("at"), purpose=purpose
        )
        if answered.status == NOT_FOUND:
            raise unknown_case()
        document = answered.document
        given = {
            **frame(visitor, purpose, now, "cases"),
            "position": answered.position,
            "case": panel(answered),
            "again": _again(request, purpose),
            "bars": [] if document is None else _bars(document),
            "closed": closed([] if document is None else document["withheld"], visitor),
            "outcome": None if document is None else outcome_of(document, asked.get("did")),
            "acts": "handling" in visitor.reader.rights.parts,
            "draft": form,
            "refused": refused,
            "once": form.get("once") or self._new_token(),
            "choices": CHOICES,
        }
        return self._pages.page("case.html.j2", given, 422 if refused else 200)


def _bars(document: Mapping[str, Any]) -> list[ClockBar]:
    """The bars of a complaint's clocks, at the time that it is shown at."""
    return [clock_bar(each, instant(document["as_of"])) for each in document["clocks"]]


def unknown_case() -> Problem:
    """The problem 404 of an id that no case has."""
    detail = "no case has this id; check it, or look for the case on its customer's page or among the cases"
    return Problem(404, "unknown_complaint", detail)


def _call(complaint_id: str) -> str:
    return f"/v1/complaints/{quote(complaint_id, safe='')}"


def _again(request: Request, purpose: Purpose | None) -> str:
    return f"{request.url.path}?{urlencode({'purpose': purpose or ''})}"


def outcome_of(document: Mapping[str, Any], did: str | None) -> tuple[str, str] | None:
    """What came of an event of the case: `done`, or `refused` with why it changed nothing; None where none is named.

    `waiting` where the history does not have it: the view is behind, or keeps it parked.
    """
    if did is None:
        return None
    found = next((each for each in document["history"] if each["event_id"] == did), None)
    if found is None:
        return "waiting", ACCEPTED_NOT_SHOWN
    what = found["type"].partition(".")[2].replace("_", " ")
    if found["applied"]:
        return "done", what
    return "refused", f"{what}: {str(found['anomaly']).replace('_', ' ')}"
