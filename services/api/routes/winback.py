"""GET /v1/analytics/winback: what a campaign to lapsed customers came to."""

import asyncio
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import given_id, invalid_parameter, query_parameters, required, whole_number
from services.api.reads import Reads, Snapshot
from services.api.routes.report_window import MOST_SECONDS, end_of_second, in_long_snapshot, one_report
from services.api.win_back_documents import WinBack
from services.projections.analytics.win_back import Assumptions, win_back
from services.projections.analytics.win_back_queries import (
    VIEWS,
    Asked,
    NoRunError,
    WinBackRead,
    win_back_of,
)
from services.projections.moments import microseconds_of, text_of
from services.projections.view_positions import position_of
from shared.clock import Clock
from shared.events.vocabulary import NOT_NEGATIVE_PATTERN
from shared.http.problems import Problem

ROUTE: Final = "/v1/analytics/winback"
_MOST_CHARACTERS: Final = 512
_MOST_ID: Final = 128
_DAYS, _MOST_DAYS = 30, 365
_AMOUNT: Final = re.compile(NOT_NEGATIVE_PATTERN)
_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "campaign": {
        **query_parameter(
            "campaign",
            "the `details.campaign` of its outreaches",
            {"type": "string", "minLength": 1, "maxLength": _MOST_CHARACTERS},
        ),
        "required": True,
    },
    "days": query_parameter(
        "days",
        "for how many days after a contact a purchase counts",
        {"type": "integer", "minimum": 1, "maximum": _MOST_DAYS, "default": _DAYS},
    ),
    "cost_per_contact": query_parameter(
        "cost_per_contact",
        "what a contact costs, in the base currency",
        {"type": "string", "pattern": "^(0|[1-9][0-9]{0,14})(\\.[0-9]{1,4})?$", "default": "0"},
    ),
    "run": query_parameter(
        "run",
        "the scoring run that says who was lapsed; the latest before the campaign's first contact where absent",
        {"type": "string", "minLength": 1, "maxLength": _MOST_ID},
    ),
}


def winback_routes(reads: Reads, clock: Clock) -> APIRouter:
    """The route of the report. `clock` says up to when."""
    routes = APIRouter(tags=["analytics"])
    one_at_a_time = asyncio.Lock()

    async def report(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], _PARAMETERS)
        campaign = required("campaign", given_id("campaign", given.get("campaign"), _MOST_CHARACTERS))
        days = whole_number("days", given.get("days"), 1, _MOST_DAYS, _DAYS)
        cost = given.get("cost_per_contact", "0")
        if not _AMOUNT.fullmatch(cost):
            raise invalid_parameter("cost_per_contact", "not an amount such as 0.35")
        run_id = given_id("run", given.get("run"), _MOST_ID)
        asked = Asked(campaign, timedelta(days=days), run_id, end_of_second(clock))

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            try:
                found = await win_back_of(connection, asked)
            except NoRunError as error:
                return Snapshot(Problem(404, "unknown_run", str(error)), position)
            if found is None:
                detail = (
                    "no outreach of this campaign is known; it is `details.campaign` of outbound marketing"
                )
                return Snapshot(Problem(404, "unknown_campaign", detail), position)
            answer = {"campaign": campaign, "days": days, "cost_per_contact": cost, **_shown(found, cost)}
            return Snapshot(msgspec.json.encode(answer), position)

        async with one_report(one_at_a_time):
            return (await reads.answer(request.scope, in_long_snapshot(query), MOST_SECONDS)).response()

    routes.add_api_route(
        ROUTE,
        report,
        methods=["GET"],
        summary="A report on a win-back campaign",
        description="Of the customers who were lapsed at a scoring run before: how many of those contacted bought "
        "within `days` of the first contact, and how many of the control, one in ten by a hash of customer and "
        "campaign, whom whoever sends the campaign leaves out.",
        operation_id="report_win_back",
        responses=read_responses(
            WinBack,
            "the report",
            {
                404: ["unknown_campaign", "unknown_run"],
                413: ["too_large"],
                422: ["invalid_parameter", "report_too_large", "invalid_position"],
            },
        ),
        openapi_extra=read_parameters(*_PARAMETERS.values()),
    )
    routes.add_api_route(ROUTE, report, methods=["HEAD"], include_in_schema=False)
    return routes


def _shown(found: WinBackRead, cost: str) -> dict[str, Any]:
    given = Assumptions(found.contacts, Decimal(cost), Decimal(str(found.terms.margin)))
    return {
        "run_id": found.run_id,
        "run_as_of": text_of(microseconds_of(found.run_as_of)),
        "began": text_of(microseconds_of(found.began)),
        "base_currency": found.terms.base_currency,
        "currency_mixed": found.currency_mixed,
        "contacts": found.contacts,
        "contacted": found.contacted.figures(),
        "control": found.control.figures(),
        "control_from": text_of(microseconds_of(found.control_from)),
        "not_lapsed": found.not_lapsed,
        "control_contacted": found.control_contacted,
        **win_back(found.contacted, found.control, given),
        "reason": _reason(found),
    }


def _reason(found: WinBackRead) -> str | None:
    if not found.contacted.customers:
        return "nobody who was contacted was lapsed at that run"
    return None if found.control.customers else "nobody of the control was lapsed at that run and left out"
