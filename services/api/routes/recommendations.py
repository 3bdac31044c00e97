"""GET /v1/customers/{id}/recommendations: what a customer may like next, and because of which purchase."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.disclosure import (
    PURPOSE_PROBLEMS,
    SCORES_PURPOSE_PARAMETER,
    Disclosure,
    Disclosures,
)
from services.api.access.purposes import SCORES
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import query_parameters, whole_number
from services.api.reads import Reads, Snapshot
from services.api.recommendation_documents import Recommendations
from services.api.routes.loyalty_account import in_one_snapshot
from services.api.whole_customers import CUSTOMER_ID, of_whole_customers, party_of, unknown_customer
from services.projections.analytics.recommendations import (
    MOST,
    VIEWS,
    Recommendation,
    recommendations,
    run_made_associations,
)
from services.projections.identity.component import Component, found
from services.projections.moments import microseconds_of, text_of
from services.projections.read_models.consents import consents_of, is_granted_anywhere
from services.projections.view_positions import position_of

ROUTE: Final = "/v1/customers/{id}/recommendations"
_USUAL: Final = 10
_DIGITS: Final = 6


def recommendation_routes(reads: Reads, disclosures: Disclosures) -> APIRouter:
    """The route of recommendations."""
    routes = APIRouter(tags=["analytics"])

    async def read(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("limit", "purpose"))
        disclosure = disclosures.of_scores(request.scope, given.get("purpose"), ROUTE)
        party_id = party_of(request.path_params["id"])
        limit = whole_number("limit", given.get("limit"), 1, MOST, _USUAL)

        async def query(connection: Any) -> Snapshot:
            component, _, read_at = await found(connection, party_id)
            if component is None:
                return Snapshot(unknown_customer(), read_at)
            position = (await position_of(connection, (*VIEWS, "consents"))).common(read_at)
            reason = await _closed(connection, component, disclosure)
            items, withheld = None, [] if reason is None else [SCORES]
            if reason is None:
                made = await run_made_associations(connection)
                items = await recommendations(connection, component.parties, limit) if made else None
                disclosure.note(component.customer_id, (SCORES,) if items else ())
                reason = _reason(items)
            answer = {
                "customer_id": component.customer_id,
                "items": None if items is None else [_shown(each) for each in items],
                "reason": reason,
                "withheld": withheld,
            }
            return Snapshot(msgspec.json.encode(answer), position)

        answer = await reads.answer(request.scope, of_whole_customers(in_one_snapshot(query)))
        await disclosure.record()
        return answer.response()

    routes.add_api_route(
        ROUTE,
        read,
        methods=["GET"],
        summary="What a customer may like next",
        description="Items that are bought together with what the customer bought, more often than chance would have "
        "it, and that they never bought. Of customers who consented to profiling.",
        operation_id="read_recommendations",
        responses=read_responses(
            Recommendations,
            "the recommendations",
            {
                **PURPOSE_PROBLEMS,
                404: ["unknown_customer"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_position", "customer_too_large"],
                503: ["access_not_recorded"],
            },
        ),
        openapi_extra=read_parameters(
            CUSTOMER_ID,
            SCORES_PURPOSE_PARAMETER,
            query_parameter(
                "limit",
                "most items",
                {"type": "integer", "minimum": 1, "maximum": MOST, "default": _USUAL},
            ),
        ),
    )
    routes.add_api_route(ROUTE, read, methods=["HEAD"], include_in_schema=False)
    return routes


async def _closed(connection: Any, component: Component, disclosure: Disclosure) -> str | None:
    """Why nothing is shown of a customer, None where it is."""
    await disclosure.ask_consent(connection, component.parties)
    if not disclosure.opens_scores:
        return f"the purpose {disclosure.purpose} opens no scores of this customer"
    words = await consents_of(connection, component.parties)
    if not is_granted_anywhere(words, "profiling"):
        return "the customer has not consented to profiling"
    return None


def _reason(items: list[Recommendation] | None) -> str | None:
    if items is None:
        return "no scoring run has looked for items that are bought together yet"
    return None if items else "no rule leads from what the customer bought to something else"


def _shown(found: Recommendation) -> dict[str, Any]:
    rule, because = found
    return {
        "sku": rule.then_sku,
        "confidence": round(float(rule.confidence), _DIGITS),
        "lift": round(float(rule.lift), _DIGITS),
        "together": rule.together,
        "with_item": rule.with_item,
        "with_then": rule.with_then,
        "baskets": rule.baskets,
        "because": {
            "sku": rule.sku,
            "order_id": because.order_id,
            "time": text_of(microseconds_of(because.time)),
            "sentence": f"Bought {rule.sku} (order {because.order_id}); of {rule.with_item} baskets with {rule.sku}, "
            f"{rule.together} have {rule.then_sku} too",
        },
    }
