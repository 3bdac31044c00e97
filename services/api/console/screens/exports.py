"""What leaves a screen as a file: a timeline, a statement or a case, with who took it, for what, and of when."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.api.access.purposes import Purpose
from services.api.console.calls import NOT_FOUND, Answered, ApiCalls
from services.api.console.screens.cases import unknown_case
from services.api.console.screens.points import MOST_ACCOUNTS
from services.api.console.visitors import Visitor, visitor_in
from shared.clock import Clock
from shared.http.problems import Problem

MOST_PAGES: Final = 10
_PAGE: Final = "200"
_FORMAT: Final = msgspec.json.format


class Exports:
    """Files of what the API answers to the person at the screen, and of nothing else."""

    def __init__(self, calls: ApiCalls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    async def timeline(self, request: Request) -> Response:
        """The entries of a timeline, newest first, 2,000 at most; `more` says whether there are older ones."""
        visitor, purpose = _who(request)
        path = f"/v1/customers/{request.path_params['id']}/timeline"
        return await self._listed(request, visitor, path, "timeline", purpose)

    async def statement(self, request: Request) -> Response:
        """The entries of one of a customer's loyalty accounts, likewise, with the account that they are of.

        Its address has the account's place among those that the screen of points shows, as a card's number belongs in
        no address. Raises the problem 404 `unknown_account` where there are fewer.
        """
        visitor, _ = _who(request)
        accounts = await self._calls.get(
            request.scope,
            visitor.reader,
            f"/v1/customers/{request.path_params['id']}/loyalty",
            limit=MOST_ACCOUNTS,
        )
        number = request.path_params["number"]
        found = _read(accounts)["items"]
        if not 1 <= number <= len(found):
            detail = f"this customer has no loyalty account {number}; open their points and choose one there"
            raise Problem(404, "unknown_account", detail)
        account_id = found[number - 1]["account_id"]
        path = f"/v1/loyalty/accounts/{quote(account_id, safe='')}/entries"
        return await self._listed(request, visitor, path, "statement", None, account_id=account_id)

    async def case(self, request: Request) -> Response:
        """The dossier of a complaint: what it is about, its clocks, and the newest of its history."""
        visitor, purpose = _who(request)
        path = f"/v1/complaints/{quote(request.path_params['id'], safe='')}"
        answered = await self._calls.get(request.scope, visitor.reader, path, purpose=purpose)
        if answered.status == NOT_FOUND:
            raise unknown_case()
        return self._file(visitor, purpose, "case", _read(answered), answered.position)

    async def _listed(
        self, request: Request, visitor: Visitor, path: str, name: str, purpose: Purpose | None, **of: str
    ) -> Response:
        items: list[Any] = []
        cursor: str | None = None
        position: str | None = None
        for _ in range(MOST_PAGES):
            answered = await self._calls.get(
                request.scope, visitor.reader, path, purpose=purpose, cursor=cursor, limit=_PAGE
            )
            page = _read(answered)
            position = position or answered.position
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return self._file(
            visitor, purpose, name, {**of, "items": items, "more": cursor is not None}, position
        )

    def _file(
        self,
        visitor: Visitor,
        purpose: Purpose | None,
        name: str,
        content: Mapping[str, Any],
        position: str | None,
    ) -> Response:
        taken = {
            "by": visitor.reader.name,
            "staff": visitor.staff,
            "purpose": purpose,
            "as_of": self._clock().isoformat(),
            "position": position,
        }
        body = _FORMAT(msgspec.json.encode({"taken": taken, name: content}), indent=2)
        headers = {
            "content-disposition": f'attachment; filename="{name}.json"',
            "cache-control": "private, no-store",
        }
        return Response(body, media_type="application/json", headers=headers)


def _who(request: Request) -> tuple[Visitor, Purpose | None]:
    visitor = visitor_in(request.scope)
    return visitor, visitor.purpose(request.query_params.get("purpose"))


def _read(answered: Answered) -> Mapping[str, Any]:
    """Raises the API's problem where it answered one."""
    if answered.problem is not None:
        raise Problem(answered.status, answered.problem["code"], answered.problem["detail"])
    document: Mapping[str, Any] = answered.document
    return document
