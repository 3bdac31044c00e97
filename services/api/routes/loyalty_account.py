"""GET /v1/loyalty/accounts/{account_id} and its entries: what an account has, and how that came about."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.cursor import MOST_CHARACTERS, Cursors, InvalidCursorError
from services.api.loyalty_documents import LedgerEntryPage, LoyaltyAccount
from services.api.openapi import path_parameter, query_parameter, read_parameters, read_responses
from services.api.parameters import moment, one_of, query_parameters, whole_number
from services.api.reads import Reads, Snapshot
from services.projections.loyalty.account_source import LedgerReads, Paging, Place
from services.projections.loyalty.past_account import PastTooLargeError
from services.projections.loyalty.queries import Asked, account_at, entries_at
from shared.clock import Clock
from shared.events.member_number import normalised_member_number
from shared.http.problems import Problem
from shared.position import Position

ACCOUNT: Final = "/v1/loyalty/accounts/{account_id}"
ENTRIES: Final = "/v1/loyalty/accounts/{account_id}/entries"
DEFAULT_LIMIT: Final = 50
MOST_LIMIT: Final = 200
MOST_ID_CHARACTERS: Final = 128

_ORDERS: Final = ("desc", "asc")
_PROBLEMS: Final = {
    404: ["unknown_account"],
    413: ["too_large"],
    422: ["invalid_parameter", "history_too_large", "invalid_position"],
}
_ACCOUNT_ID: Final = path_parameter(
    "account_id", "a member number, however it is spaced or dashed", {"type": "string", "minLength": 1}
)
_AS_OF: Final = query_parameter(
    "as_of",
    "a time of the past or the future, RFC 3339 with an offset; now where absent. What is known now of what happened "
    "until then; ahead of the account's latest event, what will have lapsed by then",
    {"type": "string", "format": "date-time"},
)
LIMIT: Final = query_parameter(
    "limit",
    "most entries of a page",
    {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT, "default": DEFAULT_LIMIT},
)
CURSOR: Final = query_parameter(
    "cursor",
    "`next_cursor` of the page before, sent with the same path and parameters",
    {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS},
)
_ORDER: Final = query_parameter(
    "order", "`desc`, newest first, or `asc`", {"type": "string", "enum": list(_ORDERS), "default": "desc"}
)


class _Wanted(NamedTuple):
    asked: Asked
    paging: Paging
    bound_to: tuple[str | None, ...]


def loyalty_account_routes(reads: Reads, ledger: LedgerReads, cursors: Cursors, clock: Clock) -> APIRouter:
    """The routes of one account. `clock` says what is now where a request does not say as of when."""
    routes = APIRouter(tags=["loyalty"])

    async def account(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("as_of",))
        asked = Asked(_account_id(request), present(clock), moment("as_of", given.get("as_of")))

        async def query(connection: Any) -> Snapshot:
            found, position = await account_at(ledger, connection, asked)
            return _answer(asked, found, position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    async def entries(request: Request) -> Response:
        wanted = _wanted(request, cursors, clock)

        async def query(connection: Any) -> Snapshot:
            page, position = await entries_at(ledger, connection, wanted.asked, wanted.paging)
            if page is None:
                return _answer(wanted.asked, None, position)
            following = None if page.next is None else _sealed(page.next, wanted.bound_to, cursors)
            return _answer(wanted.asked, {"items": page.items, "next_cursor": following}, position)

        return (await reads.answer(request.scope, in_one_snapshot(query))).response()

    routes.add_api_route(
        ACCOUNT,
        account,
        methods=["GET"],
        summary="A loyalty account at a time",
        operation_id="read_loyalty_account",
        responses=read_responses(LoyaltyAccount, "the account", _PROBLEMS),
        openapi_extra=read_parameters(_ACCOUNT_ID, _AS_OF),
    )
    routes.add_api_route(
        ENTRIES,
        entries,
        methods=["GET"],
        summary="An account's entries",
        description="The statement, points that lapsed included; all of it sums to the balance. Keyset pages.",
        operation_id="read_loyalty_entries",
        responses=read_responses(
            LedgerEntryPage, "one page", {**_PROBLEMS, 422: [*_PROBLEMS[422], "invalid_cursor"]}
        ),
        openapi_extra=read_parameters(_ACCOUNT_ID, _AS_OF, _ORDER, LIMIT, CURSOR),
    )
    routes.add_api_route(ACCOUNT, account, methods=["HEAD"], include_in_schema=False)
    routes.add_api_route(ENTRIES, entries, methods=["HEAD"], include_in_schema=False)
    return routes


def present(clock: Clock) -> datetime:
    """Now in whole seconds, so that an answer that says its time has one entity tag for a second."""
    return clock().replace(microsecond=0)


def in_one_snapshot(query: Callable[[Any], Awaitable[Snapshot]]) -> Callable[[Any], Awaitable[Snapshot]]:
    """The query in a repeatable-read transaction; a past too large to fold as the problem that it is."""

    async def in_transaction(connection: Any) -> Snapshot:
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await query(connection)
        except PastTooLargeError as error:
            return Snapshot(Problem(422, "history_too_large", str(error)), error.position)

    return in_transaction


def _wanted(request: Request, cursors: Cursors, clock: Clock) -> _Wanted:
    account_id = _account_id(request)
    given = query_parameters(request.scope["query_string"], ("as_of", "order", "limit", "cursor"))
    as_of = moment("as_of", given.get("as_of"))
    order = one_of("order", given.get("order"), _ORDERS) or _ORDERS[0]
    limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
    bound_to = (ENTRIES, account_id, None if as_of is None else as_of.isoformat(), order)
    after = _opened(given.get("cursor"), bound_to, cursors)
    return _Wanted(Asked(account_id, present(clock), as_of), Paging(after, limit, order == "asc"), bound_to)


def _account_id(request: Request) -> str:
    account_id = normalised_member_number(request.path_params["account_id"])
    if not account_id or len(account_id) > MOST_ID_CHARACTERS or "\0" in account_id:
        raise Problem(404, "unknown_account", "this is no member number; check it")
    return account_id


def _answer(asked: Asked, found: dict[str, Any] | None, position: Position) -> Snapshot:
    if found is not None:
        return Snapshot(msgspec.json.encode(found), position)
    by_then = "yet" if asked.as_of is None else "that happened by then"
    detail = f"no event of this account {by_then}; check the member number, or ask again with the position of its event"
    return Snapshot(Problem(404, "unknown_account", detail), position)


def _sealed(place: Place, bound_to: tuple[str | None, ...], cursors: Cursors) -> str:
    return cursors.seal(msgspec.json.encode(place), bound_to)


def _opened(token: str | None, bound_to: tuple[str | None, ...], cursors: Cursors) -> Place | None:
    if token is None:
        return None
    try:
        return msgspec.json.decode(cursors.open(token, bound_to), type=Place)
    except InvalidCursorError as error:
        raise Problem(422, "invalid_cursor", str(error)) from error
