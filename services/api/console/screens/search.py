"""`/console/`: find a customer by whatever they say, and see what waits for whoever looks."""

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.api.access.purposes import Purpose
from services.api.console.calls import OK, Answered, ApiCalls
from services.api.console.forms import form_of
from services.api.console.pages import Pages
from services.api.console.screens.shown import follows, frame, panel
from services.api.console.screens.sign_in import HOME
from services.api.console.search import MOST_CHARACTERS, customer_named, guesses, is_ending
from services.api.console.visitors import Visitor, visitor_in
from shared.clock import Clock

TEMPLATE: Final = "search.html.j2"
SOON_MINUTES: Final = "120"
"""How far ahead deadlines are told on the first screen, those that are past too."""
_FEW: Final = "10"
_CARDS_AT_ONCE: Final = 5
_MISSES: Final = frozenset({"unknown_customer", "bad_identifier"})


class SearchScreen:
    """The first screen. What is searched for comes in a body, so that it stands in no address and no log."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The empty search, with tasks and deadlines that wait."""
        visitor = visitor_in(request.scope)
        purpose = visitor.purpose(request.query_params.get("purpose"))
        return self._pages.page(TEMPLATE, await self._given(request, visitor, purpose))

    async def find(self, request: Request) -> Response:
        """One customer found is opened; several are listed, and none is told."""
        visitor = visitor_in(request.scope)
        form = await form_of(request)
        purpose = visitor.purpose(form.get("purpose"))
        text = form.get("q", "").strip()[:MOST_CHARACTERS]
        named = customer_named(text)
        found = [named] if named else []
        answers: list[Answered] = []
        if not named:
            answers = await asyncio.gather(
                *(
                    self._calls.post(
                        request.scope,
                        visitor.reader,
                        "/v1/customers/lookup",
                        {"type": each.type, "value": each.value},
                    )
                    for each in guesses(text)
                )
            )
            found = _customers(answers) or await self._by_ending(request, visitor, text)
        if len(found) == 1:
            query = urlencode({"purpose": purpose}) if purpose else ""
            return RedirectResponse(f"/console/c/{found[0]}" + (f"?{query}" if query else ""), 303)
        given = await self._given(request, visitor, purpose)
        failed = next((each for each in answers if _failed(each)), None)
        given |= {
            "asked": text,
            "failed": None if failed is None else failed.problem,
            "candidates": await self._candidates(request, visitor, purpose, found),
        }
        return self._pages.page(TEMPLATE, given)

    async def _by_ending(self, request: Request, visitor: Visitor, text: str) -> list[str]:
        """The customers whose card ends so, where what was typed is the end of one."""
        if not is_ending(text):
            return []
        answered = await self._calls.get(request.scope, visitor.reader, "/v1/loyalty/accounts", ending=text)
        items = [] if answered.document is None else answered.document["items"]
        return list(dict.fromkeys(each["customer_id"] for each in items))

    async def _given(self, request: Request, visitor: Visitor, purpose: Purpose | None) -> dict[str, Any]:
        reader, scope = visitor.reader, request.scope
        tasks, cases = await asyncio.gather(
            self._calls.get(
                scope, reader, "/v1/tasks", status="open", purpose=purpose, limit=_FEW, assignee=visitor.staff
            ),
            self._calls.get(scope, reader, "/v1/complaints", due_within=SOON_MINUTES, limit=_FEW),
        )
        return {
            **frame(visitor, purpose, self._clock(), "search"),
            "asked": None,
            "failed": None,
            "candidates": [],
            "tasks": panel(tasks),
            "soon": panel(cases),
            "follows": {"tasks": follows(tasks), "soon": follows(cases)},
            "again": f"{HOME}?{urlencode({'purpose': purpose or ''})}",
        }

    async def _candidates(
        self, request: Request, visitor: Visitor, purpose: Purpose | None, found: list[str]
    ) -> list[dict[str, Any]]:
        """Each customer that an identifier may stand for, with the name where the purpose opens it."""
        at_once = asyncio.Semaphore(_CARDS_AT_ONCE)

        async def described(customer_id: str) -> dict[str, Any]:
            async with at_once:
                card = await self._calls.get(
                    request.scope, visitor.reader, f"/v1/customers/{customer_id}/card", purpose=purpose
                )
            return {"customer_id": customer_id, "card": card.document}

        return list(await asyncio.gather(*(described(each) for each in found)))


def _customers(answers: list[Answered]) -> list[str]:
    """All customers that the answers name, once each, in their order."""
    found: dict[str, None] = {}
    for answered in answers:
        if answered.status != OK:
            continue
        own = answered.document["customer_id"]
        found.update(dict.fromkeys([own] if own else answered.document["candidates"]))
    return list(found)


def _failed(answered: Answered) -> bool:
    return answered.problem is not None and answered.problem["code"] not in _MISSES
