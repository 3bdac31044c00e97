"""GET /v1/loyalty/settlement: what the partners of a programme owe each other for a month."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.loyalty_documents import Settlement
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import invalid_parameter, one_of, query_parameters
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import present
from services.projections.loyalty.account_source import LedgerReads
from services.projections.loyalty.programme import Programme
from services.projections.loyalty.settlement import SettlementTooLargeError, Span, settlement
from services.projections.moments import datetime_of, microseconds_of, month_start, text_of
from shared.clock import Clock
from shared.http.problems import Problem

ROUTE: Final = "/v1/loyalty/settlement"
MOST_SECONDS: Final = 30.0
"""How long a settlement may take, which holds one connection of few; so there is one at a time in a process."""

_MONTH: Final = re.compile(r"(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])")


def loyalty_settlement_routes(reads: Reads, ledger: LedgerReads, clock: Clock) -> APIRouter:
    """The route of the settlement. `clock` says up to when a month that is not over is told."""
    routes = APIRouter(tags=["loyalty"])
    one_at_a_time = asyncio.Lock()

    async def read_settlement(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("programme", "month"))
        name = one_of("programme", given.get("programme"), sorted(ledger.programmes.by_name))
        if name is None:
            raise invalid_parameter("programme", "missing; the name of a programme")
        span = _span(given, ledger.programmes.by_name[name], clock)

        async def query(connection: Any) -> Snapshot:
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    items, position = await settlement(ledger, connection, name, span, MOST_SECONDS)
            except SettlementTooLargeError as error:
                return Snapshot(Problem(422, "settlement_too_large", str(error)), error.position)
            head = {"programme": name, "month": given["month"]}
            times = {"from": _text(span.begins), "until": _text(span.ends)}
            return Snapshot(msgspec.json.encode({**head, **times, "items": items}), position)

        if one_at_a_time.locked():
            raise Problem(
                503,
                "overloaded",
                "another settlement is being summed up; send it again",
                retry_after_seconds=5,
            )
        async with one_at_a_time:
            return (await reads.answer(request.scope, query, MOST_SECONDS)).response()

    routes.add_api_route(
        ROUTE,
        read_settlement,
        methods=["GET"],
        summary="Points between coalition partners in a month",
        description="For each issuing partner, `outstanding_before` + `issued` - `repaid` - `redeemed` + `given_back` "
        "- `clawed_back` - `expired` = `outstanding`. A month that is not over is told until now, in whole seconds.",
        operation_id="read_loyalty_settlement",
        responses=read_responses(
            Settlement,
            "the settlement",
            {413: ["too_large"], 422: ["invalid_parameter", "settlement_too_large", "invalid_position"]},
        ),
        openapi_extra=read_parameters(
            {**query_parameter("programme", "the programme's name", {"type": "string"}), "required": True},
            {
                **query_parameter(
                    "month",
                    "a calendar month of the programme's time zone, such as 2026-01",
                    {"type": "string", "pattern": f"^{_MONTH.pattern}$"},
                ),
                "required": True,
            },
        ),
    )
    routes.add_api_route(ROUTE, read_settlement, methods=["HEAD"], include_in_schema=False)
    return routes


def _span(given: Mapping[str, str], programme: Programme, clock: Clock) -> Span:
    """The month, as far as it is over. Raises the problem 422 `invalid_parameter`."""
    match = _MONTH.fullmatch(given.get("month", ""))
    if match is None:
        raise invalid_parameter("month", "a year and a month, such as 2026-01")
    year, month = int(match[1]), int(match[2])
    begins = month_start(year, month, programme.zone)
    now = present(clock)
    if begins >= microseconds_of(now):
        raise invalid_parameter("month", f"it has not begun in {programme.zone.key}")
    ends = min(month_start(year, month + 1, programme.zone), microseconds_of(now))
    return Span(datetime_of(begins), datetime_of(ends))


def _text(time: Any) -> str | None:
    return text_of(microseconds_of(time))
