"""`/console/c/{id}`: the recognition card, the timeline, and what is open with a customer."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from services.api.access.purposes import Purpose
from services.api.console.calls import NOT_FOUND, Answered, ApiCalls
from services.api.console.pages import Pages
from services.api.console.screens.shown import frame, panel
from services.api.console.timeline_days import days
from services.api.console.visitors import Visitor, visitor_in
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


PARTS: Final = ("card", "timeline", "loyalty", "cases", "tasks")
"""What the screen is made of, and can be read again alone."""


class CustomerScreen:
    """The screen of one customer: each part is a call of its own, and fails alone."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page, or the one part of it that `part` names. Raises the API's problem for an unknown customer."""
        visitor = visitor_in(request.scope)
        purpose = visitor.purpose(request.query_params.get("purpose"))
        part = request.query_params.get("part")
        wanted = PARTS if part not in PARTS else (part,)
        answers = await self._answers(request, visitor, purpose, wanted)
        first = next(iter(answers.values()))
        if first.status == NOT_FOUND and first.problem is not None:
            raise Problem(404, "unknown_customer", first.problem["detail"])
        timeline, chosen = answers.get("timeline"), request.query_params.get("type") or ""
        given = {
            **frame(visitor, purpose, self._clock(), "search"),
            **{name: panel(answered) for name, answered in answers.items()},
            "position": first.position,
            "asked_id": request.path_params["id"],
            "again": f"{request.url.path}?{urlencode({'purpose': purpose or '', 'type': chosen})}",
            "chips": CHIPS,
            "chosen": chosen,
            "later": "cursor" in request.query_params,
            "days": self._days(None if timeline is None else timeline.document),
            "closed": closed(_withheld(answers), visitor),
        }
        if part in PARTS:
            return self._pages.part(f"customer_{part}.html.j2", given, request)
        return self._pages.page("customer.html.j2", given)

    async def _answers(
        self, request: Request, visitor: Visitor, purpose: Purpose | None, parts: Collection[str]
    ) -> dict[str, Answered]:
        customer, asked = f"/v1/customers/{request.path_params['id']}", request.query_params
        parameters: dict[str, dict[str, str | None]] = {
            "card": {"purpose": purpose},
            "timeline": {
                "purpose": purpose,
                "type": asked.get("type") or None,
                "cursor": asked.get("cursor"),
                "limit": PAGE,
            },
            "loyalty": {"limit": _FEW},
            "complaints": {"limit": _FEW},
            "tasks": {"purpose": purpose, "limit": _FEW},
        }
        answers = await asyncio.gather(
            *(
                self._calls.get(request.scope, visitor.reader, f"{customer}/{call}", **parameters[call])
                for call in map(_call, parts)
            )
        )
        return dict(zip(parts, answers, strict=True))

    def _days(self, document: Mapping[str, Any] | None) -> list[Any]:
        return [] if document is None else list(days(document["items"], self._pages.zone))


def _call(part: str) -> str:
    return "complaints" if part == "cases" else part


def _withheld(answers: Mapping[str, Answered]) -> set[str]:
    """What stays closed of the card and the timeline."""
    told = (each.document for name, each in answers.items() if name in ("card", "timeline"))
    return {category for document in told if document is not None for category in document["withheld"]}
