"""Posting what staff do with cases and tasks, and telling what came of it."""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.api.access.calls import Part
from services.api.console.acting import Acting, RefusedActionError
from services.api.console.case_actions import CASE_ACTIONS, TASK_ACTIONS, case_event, task_event
from services.api.console.forms import form_of
from services.api.console.screens.cases import CaseScreen
from services.api.console.visitors import Visitor, visitor_in
from shared.clock import Clock
from shared.http.problems import Problem

_HANDLING: Final[Part] = "handling"


class CaseWork:
    """The actions of case screens and task lists. Who acts has to be known by name, as events say who it was."""

    def __init__(self, acting: Acting, case: CaseScreen, clock: Clock) -> None:
        self._acting = acting
        self._case = case
        self._clock = clock

    async def on_case(self, request: Request) -> Response:
        """Posts an action on a case and goes to the case, which tells what came of it. What no event can be made of is
        told beside the form, with what was written. Raises the problem 404 where there is no such case.
        """
        staff = _staff(visitor_in(request.scope), "complaints")
        subject, form = request.path_params["id"], await form_of(request)
        await self._case.check_known(request)
        try:
            event = case_event(_action(form, CASE_ACTIONS), subject, staff, form, self._clock())
            posted = await self._acting.post(event)
        except RefusedActionError as error:
            return await self._case.show(request, draft=form, refused=str(error))
        told = {"did": posted.event_id, "at": posted.position.token(), "purpose": form.get("purpose", "")}
        return RedirectResponse(f"/console/cases/{quote(subject, safe='')}?{urlencode(told)}", 303)

    async def on_task(self, request: Request) -> Response:
        """Posts an action on a task, and goes back to the tasks as they are then."""
        staff = _staff(visitor_in(request.scope), "tasks")
        subject, form = request.path_params["id"], await form_of(request)
        try:
            event = task_event(_action(form, TASK_ACTIONS), subject, staff, form, self._clock())
            posted = await self._acting.post(event)
        except RefusedActionError as error:
            detail = f"it was not done: {error}; go back and try again"
            raise Problem(422, "refused_action", detail) from error
        told = {
            "at": posted.position.token(),
            "assignee": form.get("assignee", ""),
            "purpose": form.get("purpose", ""),
        }
        return RedirectResponse(f"/console/tasks?{urlencode(told)}", 303)


def _action(form: Mapping[str, str], actions: Collection[str]) -> str:
    """Raises the problem 422 for an action that there is not."""
    action = form.get("action", "")
    if action not in actions:
        raise Problem(422, "unknown_action", f"there is no action {action[:40]!r}; go back and choose one")
    return action


def _staff(visitor: Visitor, part: Part) -> str:
    """Raises the problem 403 for somebody who may not act, or whom nobody could name afterwards."""
    lacking = [each for each in (part, _HANDLING) if each not in visitor.reader.rights.parts]
    if lacking:
        roles = ", ".join(sorted(visitor.reader.roles)) or "none"
        detail = f"your roles ({roles}) do not include {' and '.join(lacking)}; nothing was done"
        raise Problem(403, "forbidden_action", detail)
    if visitor.staff is None:
        raise Problem(403, "staff_unknown", "sign in with your staff id: what is done is recorded as yours")
    return visitor.staff
