"""`/console/c/{id}/loyalty`: a customer's points: what there is, how it came about, and what lapses soon."""

import asyncio
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from services.api.console.calls import NOT_FOUND, ApiCalls
from services.api.console.pages import Pages
from services.api.console.points_chart import points_chart
from services.api.console.screens.shown import frame, panel
from services.api.console.visitors import visitor_in
from shared.clock import Clock
from shared.http.problems import Problem

MOST_ACCOUNTS: Final = "5"
_ENTRIES: Final = "100"


class PointsScreen:
    """The accounts of a customer, each with its statement."""

    def __init__(self, calls: ApiCalls, pages: Pages, clock: Clock) -> None:
        self._calls = calls
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The page. Raises the API's problem where there is no such customer, or the roles do not have the call."""
        visitor, scope = visitor_in(request.scope), request.scope
        purpose = visitor.purpose(request.query_params.get("purpose"))
        customer_id = request.path_params["id"]
        loyalty = await self._calls.get(
            scope, visitor.reader, f"/v1/customers/{customer_id}/loyalty", limit=MOST_ACCOUNTS
        )
        if loyalty.status == NOT_FOUND and loyalty.problem is not None:
            raise Problem(404, loyalty.problem["code"], loyalty.problem["detail"])
        accounts = [] if loyalty.document is None else loyalty.document["items"]
        statements = await asyncio.gather(
            *(
                self._calls.get(
                    scope,
                    visitor.reader,
                    f"/v1/loyalty/accounts/{quote(each['account_id'], safe='')}/entries",
                    limit=_ENTRIES,
                )
                for each in accounts
            )
        )
        shown = [
            {
                "account": account,
                "entries": panel(entries),
                "chart": None if entries.document is None else points_chart(entries.document["items"]),
            }
            for account, entries in zip(accounts, statements, strict=True)
        ]
        given = {
            **frame(visitor, purpose, self._clock(), "search"),
            "position": loyalty.position,
            "customer_id": customer_id,
            "loyalty": panel(loyalty),
            "accounts": shown,
        }
        return self._pages.page("points.html.j2", given)
