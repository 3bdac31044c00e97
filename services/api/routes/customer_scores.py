"""GET /v1/customers/{id}/scores: what is reckoned of a customer, from what, and why, as of any time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

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
from services.api.audiences import AS_OF, NO_RUN, consents_needed, not_ahead, told
from services.api.openapi import read_parameters, read_responses
from services.api.parameters import query_parameters
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import in_one_snapshot, present
from services.api.score_documents import CustomerScores, shown_inputs, shown_scores
from services.api.whole_customers import CUSTOMER_ID, of_whole_customers, party_of, unknown_customer
from services.projections.analytics.current_run import CurrentRun, current_run
from services.projections.analytics.inputs import VIEWS, inputs_of
from services.projections.analytics.reasons import why_of
from services.projections.analytics.score import scores_of_each
from services.projections.identity.component import Component, found
from services.projections.read_models.consents import consents_of, is_granted_anywhere
from services.projections.view_positions import position_of
from shared.clock import Clock

ROUTE: Final = "/v1/customers/{id}/scores"


def customer_score_routes(reads: Reads, disclosures: Disclosures, clock: Clock) -> APIRouter:
    """The route of a customer's scores. `clock` says what is now."""
    routes = APIRouter(tags=["customers"])

    async def scores(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("as_of", "purpose"))
        party_id = party_of(request.path_params["id"])
        disclosure = disclosures.of_scores(request.scope, given.get("purpose"), ROUTE)
        as_of = not_ahead(clock, given.get("as_of")) or present(clock)

        async def query(connection: Any) -> Snapshot:
            component, _, read_at = await found(connection, party_id)
            if component is None:
                return Snapshot(unknown_customer(), read_at)
            position = (await position_of(connection, VIEWS)).common(read_at)
            run = await current_run(connection)
            reason = await _reason(connection, component, run, disclosure)
            shown = _nothing(reason)
            if run is not None and reason is None:
                shown = await _shown(connection, component, run, as_of)
                disclosure.note(component.customer_id, (SCORES,))
            answer = {
                "customer_id": component.customer_id,
                "as_of": told(as_of),
                "run_id": None if run is None else run.run_id,
                "run_as_of": None if run is None else told(run.as_of),
                "purpose": disclosure.purpose,
                "withheld": disclosure.withheld,
                **shown,
            }
            return Snapshot(msgspec.json.encode(answer), position)

        answer = await reads.answer(request.scope, of_whole_customers(in_one_snapshot(query)))
        await disclosure.record()
        return answer.response()

    routes.add_api_route(
        ROUTE,
        scores,
        methods=["GET"],
        summary="A customer's scores",
        description="From the purchases and the rest of all the customer's identifiers, as of the time asked for, by "
        "the parameters of the latest scoring run. Only of customers who consented to profiling.",
        operation_id="read_customer_scores",
        responses=read_responses(
            CustomerScores,
            "the scores",
            {
                **PURPOSE_PROBLEMS,
                404: ["unknown_customer"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_position", "customer_too_large"],
                503: UNOPENED,
            },
        ),
        openapi_extra=read_parameters(CUSTOMER_ID, AS_OF, SCORES_PURPOSE_PARAMETER),
    )
    routes.add_api_route(ROUTE, scores, methods=["HEAD"], include_in_schema=False)
    return routes


async def _reason(
    connection: Any, component: Component, run: CurrentRun | None, disclosure: Disclosure
) -> str | None:
    """Why there are no scores to be shown, in words; None where there are."""
    if run is None:
        return NO_RUN
    if not disclosure.opens_scores:
        return f"the purpose {disclosure.purpose} does not open scores"
    words = await consents_of(connection, component.parties)
    missing = [each for each in consents_needed(disclosure) if not is_granted_anywhere(words, each)]
    if missing:
        return f"the customer has not consented to {' and '.join(missing)}"
    return None


async def _shown(connection: Any, component: Component, run: CurrentRun, as_of: datetime) -> dict[str, Any]:
    [inputs] = await inputs_of(connection, [component.parties], as_of, run.terms.zone)
    [score] = scores_of_each([inputs], run.terms, as_of)
    terms = run.terms
    return {
        "reason": None,
        "inputs": shown_inputs(inputs),
        "scores": shown_scores(score, terms.base_currency, terms.horizon_weeks),
        "why": why_of(score, terms, as_of),
    }


def _nothing(reason: str | None) -> Mapping[str, Any]:
    return {"reason": reason, "inputs": None, "scores": None, "why": []}
