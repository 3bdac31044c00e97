"""GET /v1/customers/at-risk: who is leaving without a word, those with most at stake first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.disclosure import (
    PURPOSE_PROBLEMS,
    SCORES_PURPOSE_PARAMETER,
    UNOPENED,
    Disclosure,
    Disclosures,
)
from services.api.access.purposes import SCORES
from services.api.audiences import (
    AS_OF,
    CAMPAIGN,
    FOR,
    NO_RUN,
    campaign_of,
    consents_needed,
    disclosure_of,
    is_left_out,
    not_ahead,
    of_another_run,
    told,
)
from services.api.cursor import Cursors
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import invalid_parameter, one_of, query_parameters, whole_number
from services.api.places import opened, sealed
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import (
    CURSOR,
    DEFAULT_LIMIT,
    LIMIT,
    MOST_LIMIT,
    in_one_snapshot,
    present,
)
from services.api.score_documents import AtRiskPage, amount
from services.projections.analytics.current_run import CurrentRun, current_run
from services.projections.analytics.inputs import VIEWS
from services.projections.analytics.reasons import why_of
from services.projections.analytics.score import Score
from services.projections.analytics.terms import TIERS
from services.projections.audiences.at_risk import (
    ANY_RANK,
    Place,
    is_at_risk,
    rows_at_risk,
    siblings_at_risk,
)
from services.projections.audiences.known import consents_of_each
from services.projections.audiences.live_scores import live_scores
from services.projections.audiences.paging import Found, Page, customers_of, page_of
from services.projections.moments import datetime_of, microseconds_of
from services.projections.read_models.consents import is_granted_anywhere
from services.projections.view_positions import position_of
from shared.clock import Clock

ROUTE: Final = "/v1/customers/at-risk"

_MIN_TIER: Final = query_parameter(
    "min_tier", "customers of this tier and of those above it", {"type": "string", "enum": list(TIERS)}
)
_PARAMETERS: Final = ("as_of", "min_tier", "for", "campaign", "purpose", "limit", "cursor")


class _Wanted(NamedTuple):
    as_of: datetime
    lowest_rank: int
    campaign: str | None
    limit: int
    after: Place | None
    bound_to: tuple[str | None, ...]


def at_risk_routes(reads: Reads, disclosures: Disclosures, cursors: Cursors, clock: Clock) -> APIRouter:
    """The route of the list, to be routed before that of a customer. `clock` says what is now."""
    routes = APIRouter(tags=["customers"])

    async def at_risk(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], _PARAMETERS)
        disclosure = disclosure_of(disclosures, request.scope, given, ROUTE)
        wanted = _wanted(given, disclosure, cursors, clock)

        async def query(connection: Any) -> Snapshot:
            position = await position_of(connection, VIEWS)
            run = await current_run(connection)
            if run is None:
                return Snapshot(msgspec.json.encode(_answer(wanted, None, Page([], None), cursors)), position)
            if wanted.after is not None and wanted.after.run_id != run.run_id:
                return Snapshot(of_another_run(), position)
            if wanted.as_of < run.as_of:
                reason = f"before {told(run.as_of)}, which the latest scoring run is of; make a run of that time first"
                return Snapshot(invalid_parameter("as_of", reason), position)
            page = (
                await _page(connection, wanted, run, disclosure)
                if disclosure.opens_scores
                else Page([], None)
            )
            answer = _answer(wanted, run, page, cursors) | {"withheld": disclosure.withheld}
            return Snapshot(msgspec.json.encode(answer), position)

        answer = await reads.answer(request.scope, in_one_snapshot(query))
        await disclosure.record()
        return answer.response()

    routes.add_api_route(
        ROUTE,
        at_risk,
        methods=["GET"],
        summary="Customers who are leaving without a word",
        description="Those who have been silent for longer than their rhythm explains, with most at stake first; of 3 "
        "purchase days or more, who consented to profiling, have no open complaint and have not left aloud. "
        "Each is looked at as of the time asked for, so a page may hold fewer than `limit` and be followed by others.",
        operation_id="list_customers_at_risk",
        responses=read_responses(
            AtRiskPage,
            "one page",
            {
                **PURPOSE_PROBLEMS,
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_cursor", "invalid_position"],
                503: UNOPENED,
            },
        ),
        openapi_extra=read_parameters(
            AS_OF, _MIN_TIER, FOR, CAMPAIGN, LIMIT, CURSOR, SCORES_PURPOSE_PARAMETER
        ),
    )
    routes.add_api_route(ROUTE, at_risk, methods=["HEAD"], include_in_schema=False)
    return routes


def _wanted(given: Mapping[str, str], disclosure: Disclosure, cursors: Cursors, clock: Clock) -> _Wanted:
    as_of = not_ahead(clock, given.get("as_of"))
    tier = one_of("min_tier", given.get("min_tier"), TIERS)
    limit = whole_number("limit", given.get("limit"), 1, MOST_LIMIT, DEFAULT_LIMIT)
    campaign = campaign_of(given)
    bound_to = (ROUTE, given.get("as_of"), tier, disclosure.purpose, campaign)
    after = opened(given.get("cursor"), Place, bound_to, cursors)
    if after is not None:
        as_of = datetime_of(after.as_of)
    rank = ANY_RANK if tier is None else TIERS.index(tier) + 1
    return _Wanted(as_of or present(clock), rank, campaign, limit, after, bound_to)


async def _page(
    connection: Any, wanted: _Wanted, run: CurrentRun, disclosure: Disclosure
) -> Page[dict[str, Any], Place]:
    as_of, rank = wanted.as_of, wanted.lowest_rank

    async def fetch(after: Place | None, limit: int) -> Sequence[Mapping[str, Any]]:
        return await rows_at_risk(connection, as_of, rank, after, limit)

    async def siblings(parties: Sequence[str]) -> Sequence[str]:
        return await siblings_at_risk(connection, as_of, rank, parties)

    async def named(rows: Sequence[Mapping[str, Any]]) -> Sequence[dict[str, Any] | None]:
        found = await customers_of(connection, rows, siblings)
        items: list[dict[str, Any] | None] = [None] * len(found)
        reached = [
            None if each is None or is_left_out(each.component, wanted.campaign) else each for each in found
        ]
        allowed = await _allowed(connection, reached, disclosure)
        customers = [component.parties for _, (_, component) in allowed]
        scores = await live_scores(connection, customers, run.terms, as_of)
        for (place, (_, component)), score in zip(allowed, scores, strict=True):
            if is_at_risk(score, as_of, rank):
                items[place] = _item(component.customer_id, score, run, as_of)
                disclosure.note(component.customer_id, (SCORES,))
        return items

    def place_of(row: Mapping[str, Any]) -> Place:
        return Place(run.run_id, microseconds_of(as_of), str(row["stake"]), row["party"])

    return await page_of(fetch, place_of, named, wanted.after, wanted.limit)


async def _allowed(
    connection: Any, found: Sequence[Found[Mapping[str, Any]] | None], disclosure: Disclosure
) -> list[tuple[int, Found[Mapping[str, Any]]]]:
    """Those who consented to all that it takes, each with its place."""
    placed = [(place, each) for place, each in enumerate(found) if each is not None]
    words = await consents_of_each(connection, [each.component.parties for _, each in placed])
    needed = consents_needed(disclosure)
    return [
        each
        for each, said in zip(placed, words, strict=True)
        if all(is_granted_anywhere(said, purpose) for purpose in needed)
    ]


def _item(customer_id: str, score: Score, run: CurrentRun, as_of: datetime) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "tier": score.tier,
        "silent_from": None if score.silent_from is None else told(score.silent_from),
        "last_purchase": score.last_purchase,
        "usual_gap_days": score.usual_gap_days,
        "silence_days": score.silence_days,
        "p_alive": score.p_alive,
        "value_at_stake": amount(score.value_at_stake, run.currency),
        "why": why_of(score, run.terms, as_of),
    }


def _answer(
    wanted: _Wanted, run: CurrentRun | None, page: Page[dict[str, Any], Place], cursors: Cursors
) -> dict[str, Any]:
    return {
        "items": page.items,
        "next_cursor": sealed(page.next, wanted.bound_to, cursors),
        "as_of": told(wanted.as_of),
        "run_id": None if run is None else run.run_id,
        "reason": NO_RUN if run is None else None,
        "withheld": [],
    }
