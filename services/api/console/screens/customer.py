"""`/console/c/{id}`: the recognition card, the timeline, and what is open with a customer."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from services.api.console.calls import NOT_FOUND, ApiCalls
from services.api.console.pages import Pages
from services.api.console.screens.shown import frame, panel
from services.api.console.timeline_days import days
from services.api.console.visitors import visitor_in
from services.api.console.withheld import closed
from shared.clock import Clock
from shared.http.problems import Problem

PAGE: Final = "30"
"""Entries of a page of the timeline: some screens of it."""
_FEW: Final = "10"
CHIPS: Final[Mapping[str, str]] = {
    "": "All",
    "interaction.recorded": "Contacts",
    "purchase.completed": "Purchases",
    "purchase.refunded": "Refunds",
    "feedback.recorded": "Feedback",
    "complaint.opened": "Complaints",
    "consent.changed": "Consents",
}
"""The types that a timeline can be narrowed to by one press."""


class CustomerScreen:
    """The screen of one customer: each part is a call of its own, and fails alone."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page. Raises the API's problem where there is no such customer."""
        visitor, scope = visitor_in(request.scope), request.scope
        purpose = visitor.purpose(request.query_params.get("purpose"))
        customer = f"/v1/customers/{request.path_params['id']}"
        chosen = request.query_params.get("type") or None
        cursor = request.query_params.get("cursor")
        reader = visitor.reader
        card, timeline, loyalty, cases, tasks = await asyncio.gather(
            self._calls.get(scope, reader, f"{customer}/card", purpose=purpose),
            self._calls.get(
                scope, reader, f"{customer}/timeline", purpose=purpose, type=chosen, cursor=cursor, limit=PAGE
            ),
            self._calls.get(scope, reader, f"{customer}/loyalty", limit=_FEW),
            self._calls.get(scope, reader, f"{customer}/complaints", limit=_FEW),
            self._calls.get(scope, reader, f"{customer}/tasks", purpose=purpose, limit=_FEW),
        )
        if timeline.status == NOT_FOUND and timeline.problem is not None:
            raise Problem(404, "unknown_customer", timeline.problem["detail"])
        given = {
            **frame(visitor, purpose, self._clock(), "search"),
            "asked_id": request.path_params["id"],
            "card": panel(card),
            "timeline": panel(timeline),
            "loyalty": panel(loyalty),
            "cases": panel(cases),
            "tasks": panel(tasks),
            "chips": CHIPS,
            "chosen": chosen or "",
            "later": cursor is not None,
            "days": self._days(timeline.document),
            "closed": closed(_withheld(card.document, timeline.document), visitor),
            "position": timeline.position,
        }
        return self._pages.page("customer.html.j2", given)

    def _days(self, document: Mapping[str, Any] | None) -> list[Any]:
        return [] if document is None else list(days(document["items"], self._pages.zone))


def _withheld(*documents: Mapping[str, Any] | None) -> set[str]:
    return {category for each in documents if each is not None for category in each["withheld"]}
