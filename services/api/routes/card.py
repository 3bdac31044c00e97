"""GET /v1/customers/{id}/card: the recognition card of a customer, for a purpose."""

from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Request, Response

from services.api.access.disclosure import UNOPENED, Disclosures
from services.api.access.purposes import DISCLOSED, PURPOSES, SCORES, Purpose
from services.api.card.answer import card_of
from services.api.card.found import found_of
from services.api.card.personal import personal_of
from services.api.card.reckoned import reckoned_of
from services.api.card_documents import RecognitionCard
from services.api.openapi import query_parameter, read_parameters, read_responses
from services.api.parameters import query_parameters, required
from services.api.reads import Reads, Snapshot
from services.api.routes.loyalty_account import present
from services.api.whole_customers import CUSTOMER_ID, of_whole_customers, party_of, unknown_customer
from services.projections.loyalty.account_source import LedgerReads
from shared.acceptance import KEY_STORE_UNAVAILABLE
from shared.clock import Clock
from shared.http.problems import Problem
from shared.personal_data.key_store import KeyStoreUnavailableError

ROUTE: Final = "/v1/customers/{id}/card"
_RETRY_SECONDS: Final = 1

_PURPOSE: Final = {
    **query_parameter(
        "purpose",
        "what the card is for; it decides which personal data is opened",
        {"type": "string", "enum": list(PURPOSES)},
    ),
    "required": True,
}


def card_routes(reads: Reads, ledger: LedgerReads, disclosures: Disclosures, clock: Clock) -> APIRouter:
    """The route of the card. `clock` says what is today, in the time zone of the default programme."""
    routes = APIRouter(tags=["customers"])
    zone: ZoneInfo = ledger.programmes.default.zone

    async def card(request: Request) -> Response:
        given = query_parameters(request.scope["query_string"], ("purpose",))
        disclosure = disclosures.of(request.scope, given.get("purpose"), ROUTE, DISCLOSED)
        purpose: Purpose = required("purpose", disclosure.purpose)
        party_id = party_of(request.path_params["id"])
        now = present(clock)

        async def query(connection: Any) -> Snapshot:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                found, position = await found_of(ledger, connection, party_id, now)
                if found is None:
                    return Snapshot(unknown_customer(), position)
                reckoned = await reckoned_of(connection, found.parties, found.consents, disclosure, now)
            try:
                personal = await personal_of(found, purpose, disclosures.opener)
            except KeyStoreUnavailableError as error:
                return Snapshot(_not_opened(error), position)
            disclosure.note(found.customer_id, [*personal.shown, *([SCORES] if reckoned.is_shown else ())])
            closed = () if disclosure.opens_scores and not personal.lacks_consent else (SCORES,)
            made = card_of(purpose, found, personal, reckoned, now=now, zone=zone, withheld=closed)
            return Snapshot(msgspec.json.encode(made), position)

        answer = await reads.answer(request.scope, of_whole_customers(query))
        await disclosure.record()
        return answer.response()

    routes.add_api_route(
        ROUTE,
        card,
        methods=["GET"],
        summary="The recognition card of a customer",
        description="What staff should know when a guest walks in, in one call and of one snapshot.",
        operation_id="read_customer_card",
        responses=read_responses(
            RecognitionCard,
            "the card",
            {
                403: ["forbidden_call", "forbidden_purpose"],
                404: ["unknown_customer"],
                413: ["too_large"],
                422: ["invalid_parameter", "invalid_position", "customer_too_large"],
                503: UNOPENED,
            },
        ),
        openapi_extra=read_parameters(
            CUSTOMER_ID,
            _PURPOSE,
        ),
    )
    routes.add_api_route(ROUTE, card, methods=["HEAD"], include_in_schema=False)
    return routes


def _not_opened(error: KeyStoreUnavailableError) -> Problem:
    detail = f"personal data cannot be opened now: {error}; send it again"
    return Problem(503, KEY_STORE_UNAVAILABLE, detail, retry_after_seconds=_RETRY_SECONDS)
