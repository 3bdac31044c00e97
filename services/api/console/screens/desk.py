"""`/console/desk`: who is here and who is calling, with their cards, as they come; handed on within a house."""

import asyncio
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from services.api.access.purposes import Purpose
from services.api.console.calls import Answered, ApiCalls
from services.api.console.pages import Pages
from services.api.console.screens.shown import frame, panel
from services.api.console.visitors import Visitor, visitor_in
from shared.clock import Clock

MOST_CARDS: Final = 20
"""Cards that are drawn of the latest arrivals; each is a read on record."""
_CARDS_AT_ONCE: Final = 5
_UNITS_OF_A_HOUSE: Final = 3
"""A unit this deep lies in a house: what happens elsewhere in that is of interest, in the whole country it is not."""


class DeskScreen:
    """The arrivals at a unit, and those elsewhere in its house, so that the restaurant knows whom the door let in."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page of a `location`; without one it asks for it."""
        visitor, asked = visitor_in(request.scope), request.query_params
        purpose = visitor.purpose(asked.get("purpose"))
        location = asked.get("location", "").strip("/ ")[:256]
        house = house_of(location)
        given = {
            **frame(visitor, purpose, self._clock(), "desk"),
            "location": location,
            "house": house,
            "again": str(request.url.replace(scheme="", netloc="")),
        }
        if not location:
            return self._pages.page("desk.html.j2", {**given, "arrivals": None, "cards": {}})
        answered = await self._calls.get(
            request.scope, visitor.reader, "/v1/arrivals", location=house or location
        )
        given |= {
            "arrivals": panel(answered),
            "cards": await self._cards(request, visitor, purpose, answered),
        }
        given["near"] = [each for each in _items(answered) if is_at(each["location"], location)]
        given["elsewhere"] = [each for each in _items(answered) if not is_at(each["location"], location)]
        return self._pages.page("desk.html.j2", given)

    async def _cards(
        self, request: Request, visitor: Visitor, purpose: Purpose | None, arrivals: Answered
    ) -> dict[str, dict[str, Any]]:
        """The cards of the latest arrivals, by customer."""
        at_once = asyncio.Semaphore(_CARDS_AT_ONCE)

        async def read(customer_id: str) -> Answered:
            async with at_once:
                return await self._calls.get(
                    request.scope, visitor.reader, f"/v1/customers/{customer_id}/card", purpose=purpose
                )

        shown = [each["customer_id"] for each in _items(arrivals)[:MOST_CARDS]]
        return dict(zip(shown, map(panel, await asyncio.gather(*map(read, shown))), strict=True))


def house_of(location: str) -> str | None:
    """The unit in which a unit lies where both are of one house, None where it has none."""
    units = location.split("/")
    return "/".join(units[:-1]) if len(units) >= _UNITS_OF_A_HOUSE else None


def is_at(location: str, unit: str) -> bool:
    """Whether an arrival was at a unit or below it."""
    return location == unit or location.startswith(f"{unit}/")


def _items(answered: Answered) -> list[dict[str, Any]]:
    return [] if answered.document is None else answered.document["items"]
