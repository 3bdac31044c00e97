"""`/console/tasks`: what staff have to do, soonest due first."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from services.api.access.purposes import Purpose
from services.api.console.calls import ApiCalls
from services.api.console.pages import Pages
from services.api.console.screens.cases import ACCEPTED_NOT_SHOWN
from services.api.console.screens.shown import follows, frame, panel
from services.api.console.visitors import visitor_in
from services.api.console.withheld import closed
from shared.clock import Clock

_PAGE: Final = "50"


class TasksScreen:
    """Mine, a colleague's or a department's, and overdue ones."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock, new_token: Callable[[], str]) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock
        self._new_token = new_token

    async def show(self, request: Request) -> Response:
        """The page. Of `assignee`, `overdue` and `cursor` those that are given narrow it; it begins with one's own."""
        visitor, asked = visitor_in(request.scope), request.query_params
        purpose = visitor.purpose(asked.get("purpose"))
        assignee = asked.get("assignee", visitor.staff or "") or None
        overdue = "true" if asked.get("overdue") == "true" else None
        once = asked.get("once") or self._new_token()
        tasks = await self._calls.get(
            request.scope,
            visitor.reader,
            "/v1/tasks",
            asked.get("at"),
            status="open",
            assignee=assignee,
            overdue=overdue,
            purpose=purpose,
            cursor=asked.get("cursor"),
            limit=_PAGE,
        )
        given = {
            **frame(visitor, purpose, self._clock(), "tasks"),
            "tasks": panel(tasks),
            "assignee": assignee or "",
            "overdue": overdue is not None,
            "follows": "cursor" not in asked and follows(tasks),
            "again": _again(assignee, purpose, overdue, once),
            "behind": ACCEPTED_NOT_SHOWN if tasks.behind else None,
            "acts": "handling" in visitor.reader.rights.parts,
            "once": once,
            "closed": closed([] if tasks.document is None else tasks.document["withheld"], visitor),
        }
        return self._pages.page("tasks.html.j2", given)


def _again(assignee: str | None, purpose: Purpose | None, overdue: str | None, once: str) -> str:
    """Where the list is read again: as it is for whoever looks, with the token of their page in its forms."""
    asked = {"assignee": assignee or "", "purpose": purpose or "", "overdue": overdue or "", "once": once}
    return f"/console/tasks?{urlencode(asked)}"
